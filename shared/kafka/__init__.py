"""Apache Kafka: clients, topics, reading batches with stored positions, lag, the tails of partitions."""
