// Nodes, their assignments (written only by loops), their reports (written only on behalf of the node), join tokens.
export const nodesMigration = {
  name: '0002-nodes',
  up: [
    `create table nodes (
      id text not null primary key,
      account_id text not null,
      name text not null,
      region text not null,
      environments text not null,
      gateway_iot_id text,
      secret_hash text not null,
      is_online integer not null,
      last_seen_at_ms integer,
      generation integer not null,
      accepted_generation integer not null,
      created_at_ms integer not null,
      facts text not null,
      unique (account_id, gateway_iot_id)
    ) strict`,
    `create index nodes_account on nodes (account_id, created_at_ms, id)`,
    `create index nodes_gateway on nodes (gateway_iot_id)`,
    `create index nodes_online on nodes (is_online, last_seen_at_ms)`,
    `create table assignments (
      node_id text not null references nodes (id) on delete cascade,
      key text not null,
      account_id text not null,
      version text not null,
      digest text not null,
      generation integer not null,
      assigned_at_ms integer not null,
      workload text not null,
      primary key (node_id, key)
    ) strict`,
    `create index assignments_key on assignments (key)`,
    `create table reports (
      node_id text not null references nodes (id) on delete cascade,
      key text not null,
      account_id text not null,
      received_at_ms integer not null,
      report text not null,
      primary key (node_id, key)
    ) strict`,
    `create index reports_key on reports (key)`,
    `create table join_tokens (
      id text not null primary key,
      account_id text not null,
      token_hash text not null unique,
      region text,
      environment text,
      max_uses integer not null,
      uses integer not null,
      expires_at_ms integer not null,
      created_at_ms integer not null
    ) strict`,
    `create index join_tokens_expiry on join_tokens (expires_at_ms)`,
  ],
} as const
