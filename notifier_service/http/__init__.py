"""HTTP for operators: `api` has the routes, `shapes` their JSON documents."""
