"""The real engine on one machine: workers of the Kinesis Client Library against the embedded AWS."""
