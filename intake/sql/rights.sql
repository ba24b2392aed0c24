-- The service never deletes queued transactions or the processor's state.
SELECT for_app_role(
    'REVOKE DELETE ON intake_queuedtransaction, intake_processorstate FROM wallet_app');
