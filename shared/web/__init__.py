"""HTTP: the application, authentication, problem documents, the AsyncAPI page."""
