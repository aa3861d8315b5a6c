-- API keys. A token is never stored: only its HMAC-SHA256 under a pepper that the database
-- does not know, so that a stolen table opens nothing.

create schema access;

create table access.api_keys (
    key_id uuid primary key,
    digest bytea not null unique check (octet_length(digest) = 32),
    name text not null check (length(name) between 1 and 200),
    hint text not null check (length(hint) = 4),
    -- Text, not an enum: a release that knows fewer scopes must still be able to read the rows.
    scopes text[] not null check (cardinality(scopes) >= 1),
    created_at timestamptz not null,
    expires_at timestamptz check (expires_at > created_at),
    -- Set once, by revocation; a revoked key never comes back.
    revoked_at timestamptz
);
comment on column access.api_keys.hint is 'The last four characters of the token, for people.';

grant usage on schema access to clearhouse_app;
grant select, insert on access.api_keys to clearhouse_app;
grant update (revoked_at) on access.api_keys to clearhouse_app;
