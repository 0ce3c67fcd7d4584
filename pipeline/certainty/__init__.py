"""What makes orders certain: certificates, the audit of settlements, and what people sign for."""
