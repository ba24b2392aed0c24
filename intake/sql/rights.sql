-- What was queued, and what the processor says of itself, is never deleted by the service.
SELECT for_app_role(
    'REVOKE DELETE ON intake_queuedtransaction, intake_processorstate FROM wallet_app');
