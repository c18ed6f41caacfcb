"""PostgreSQL: the engine, transactions, migrations, and the tables that both services have."""
