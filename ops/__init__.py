"""Operations: running and monitoring the service."""
