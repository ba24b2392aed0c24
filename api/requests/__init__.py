"""`/payment-requests`: somebody asks for money, whoever has the link pays."""
