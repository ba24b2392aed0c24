-- Whether a company may charge a wallet. `ledger_post` asks under the wallet's lock, and in statements of
-- their own, because only those see what was committed while it waited for the lock. Each returns a
-- code, or NULL: it may. None of these refusals is put on record as a failed transaction.

-- Why the pay token of this wallet does not allow the company a charge. NULL means also that it has a
-- use left.
CREATE OR REPLACE FUNCTION paytoken_refusal(
    paytoken uuid, payer_wallet uuid, company uuid, charged_minor bigint
)
RETURNS varchar LANGUAGE plpgsql VOLATILE
SET search_path = public, pg_temp AS $$
DECLARE
    found_token wallets_paytoken;
BEGIN
    SELECT * INTO found_token FROM wallets_paytoken
     WHERE id = paytoken AND wallet_id = payer_wallet AND revoked_at IS NULL;
    RETURN CASE
        WHEN found_token.id IS NULL THEN 'paytoken_not_found'
        WHEN found_token.company_id IS NOT NULL AND found_token.company_id IS DISTINCT FROM company
            THEN 'paytoken_other_company'
        WHEN found_token.expires_at <= current_moment() THEN 'paytoken_expired'
        WHEN found_token.uses_left = 0 THEN 'paytoken_used'
        WHEN charged_minor > found_token.max_amount_minor THEN 'paytoken_exceeded'
    END;
END
$$;

-- Why the owner of a wallet that is not open does not let the company charge it by its token, or hold of it.
-- `held_minor`: what the hold was before, when this is more of it; an approval's limit of one charge is for
-- the whole of a hold.
-- `charged_today`: what it has charged the wallet in the last 24 hours. NULL when that has not been read;
-- it is read where the approval has a limit for a day, once for all orders of a call.
CREATE OR REPLACE FUNCTION approval_refusal(
    payer_wallet uuid, policy varchar, company uuid, company_wallet uuid, charged_minor bigint,
    held_minor bigint, INOUT charged_today numeric, OUT refusal varchar
)
LANGUAGE plpgsql VOLATILE
SET search_path = public, pg_temp
SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    approval wallets_approval;
    moment timestamptz := current_moment();
BEGIN
    IF policy = 'approved' THEN
        SELECT * INTO approval FROM wallets_approval
         WHERE wallet_id = payer_wallet AND company_id = company AND ended_at IS NULL
           AND (expires_at IS NULL OR expires_at > moment);
    END IF;
    IF approval.max_per_day_minor IS NOT NULL AND charged_today IS NULL THEN
        -- All that it charged or held by the token, whichever approval allowed it: a new approval
        -- gives nothing back, nor does a refund or a release. The upper bound keeps later partitions closed.
        SELECT coalesce(sum(amount_minor), 0) INTO charged_today
          FROM ledger_transaction
         WHERE source_id = payer_wallet AND target_id = company_wallet AND kind IN ('charge', 'hold')
           AND failure_code IS NULL AND paytoken_id IS NULL AND payment_request_id IS NULL
           AND id >= first_id_at(moment - interval '24 hours')
           AND id < first_id_at(moment + interval '2 days');
    END IF;
    refusal := CASE
        WHEN approval.id IS NULL THEN 'charge_not_approved'
        WHEN charged_minor + held_minor > approval.max_amount_minor
             OR charged_today + charged_minor > approval.max_per_day_minor THEN 'approval_exceeded'
    END;
END
$$;
