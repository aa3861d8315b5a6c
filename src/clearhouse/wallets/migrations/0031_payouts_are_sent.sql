-- Who puts waiting payouts into a batch locks them first, so that nobody else does.
grant update on wallets.payouts_waiting to clearhouse_app;
