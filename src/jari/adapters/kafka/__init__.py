"""Events to Kafka, where an operator names brokers. The client is an extra of the package."""
