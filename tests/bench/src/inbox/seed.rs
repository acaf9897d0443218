//! Tickets in bulk, straight into the schema: what years of work leave behind, in a minute or two.
//!
//! Three in a hundred are open and wait for somebody, four are pending, three snoozed, the rest is
//! closed. Each has a message; ten share a contact.

use rusqlite::Connection;
use std::path::Path;

const STATEMENTS: &[&str] = &[
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = OFF",
    "PRAGMA cache_size = -400000",
    "BEGIN",
    "CREATE TEMP TABLE made AS \
     WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n LIMIT :tickets) \
     SELECT n, (n * 2654435761) % 100 AS lot, (n / 100) % 5 AS queue, (n / 500) % 10 AS person, \
     :at - (:tickets - n) * 20 AS at FROM n",
    "INSERT INTO queues (id, tenant_id, name, color, offer_ttl_s, target_s, required_skills, members, routing, version) \
     SELECT unhex(printf('019a0000000070008000%012x', made.n)), tenant_id, 'Queue ' || made.n, color, \
     offer_ttl_s, target_s, required_skills, members, routing, 1 FROM queues, made WHERE made.n <= 4",
    "INSERT INTO users (id, email, name, locale, created_at) \
     SELECT unhex(printf('019a0000000070018000%012x', n)), 'agent' || n || '@example.com', 'Agent ' || n, 'en', \
     '2025-01-01T00:00:00+00:00' FROM made WHERE n <= 10",
    "INSERT INTO memberships (id, tenant_id, user_id, role, created_at) \
     SELECT unhex(printf('019a0000000070028000%012x', n)), (SELECT id FROM tenants), \
     unhex(printf('019a0000000070018000%012x', n)), 'agent', '2025-01-01T00:00:00+00:00' FROM made WHERE n <= 10",
    "INSERT INTO contacts (id, tenant_id, name, locale, note, created_at, version) \
     SELECT unhex(printf('019a0000000070038000%012x', n)), (SELECT id FROM tenants), 'Customer ' || n, 'en', '', \
     '2025-01-01T00:00:00+00:00', 1 FROM made WHERE n <= 1 + :tickets / 10",
    "CREATE TEMP TABLE line AS SELECT row_number() OVER (ORDER BY id) - 1 AS n, id FROM queues",
    "INSERT INTO tickets (id, tenant_id, number, subject, status, priority, tags, contact_id, queue_id, assignee_id, \
     snoozed_until, channel, message_head, last_message_at, last_message_preview, last_message_inbound, \
     waiting_since, created_at, updated_at, closed_at, version) \
     SELECT unhex(printf('%012x70048000%012x', at * 1000, made.n)), (SELECT id FROM tenants), made.n, \
     'Where is parcel ' || made.n || '?', \
     CASE WHEN lot < 3 THEN 'open' WHEN lot < 7 THEN 'pending' WHEN lot < 10 THEN 'snoozed' ELSE 'closed' END, \
     1, iif(lot % 7 = 0, '[\"parcel\"]', '[]'), unhex(printf('019a0000000070038000%012x', 1 + made.n / 10)), line.id, \
     iif(lot < 3, NULL, unhex(printf('019a0000000070018000%012x', 1 + person))), \
     iif(lot BETWEEN 7 AND 9, '2099-01-01T00:00:00+00:00', NULL), 'sandbox', 1, \
     strftime('%Y-%m-%dT%H:%M:%S+00:00', at, 'unixepoch'), 'It was to come on Tuesday, and it has not.', 1, \
     iif(lot < 3, strftime('%Y-%m-%dT%H:%M:%S+00:00', at, 'unixepoch'), NULL), \
     strftime('%Y-%m-%dT%H:%M:%S+00:00', at, 'unixepoch'), strftime('%Y-%m-%dT%H:%M:%S+00:00', at, 'unixepoch'), \
     iif(lot < 10, NULL, strftime('%Y-%m-%dT%H:%M:%S+00:00', at, 'unixepoch')), 1 \
     FROM made JOIN line ON line.n = made.queue ORDER BY made.n",
    "INSERT INTO messages (id, tenant_id, ticket_id, direction, kind, state, author, author_name, text, reactions, \
     extra, position, sent_at, created_at, version) \
     SELECT id, tenant_id, id, 'inbound', 'text', 'received', 'contact', 'Customer', last_message_preview, '[]', \
     '{}', 1, created_at, created_at, 1 FROM tickets ORDER BY id",
    "INSERT INTO work_items (id, tenant_id, ticket_id, queue_id, channel, weight, priority, state, eligible_since, \
     queue_since, exclusions, offer_count, created_at, version) \
     SELECT id, tenant_id, id, queue_id, channel, 1, 1, 'queued', created_at, created_at, '[]', 0, created_at, 1 \
     FROM tickets WHERE status = 'open'",
    "INSERT INTO ticket_counts (tenant_id, queue_id, assignee_id, status, n) \
     SELECT tenant_id, queue_id, coalesce(assignee_id, zeroblob(16)), status, count(*) FROM tickets \
     GROUP BY 1, 2, 3, 4",
    "INSERT OR REPLACE INTO ticket_numbers (tenant_id, last) SELECT id, :tickets FROM tenants",
    "COMMIT",
    "PRAGMA wal_checkpoint(TRUNCATE)",
];

/// Newest activity: the noon of 2025-11-09.
const AT: i64 = 1_762_689_600;

pub fn tickets(path: &Path, tickets: u32) -> anyhow::Result<()> {
    let connection = Connection::open(path)?;
    for sql in STATEMENTS {
        let mut statement = connection.prepare(sql)?;
        for (name, value) in [(":tickets", i64::from(tickets)), (":at", AT)] {
            if let Some(at) = statement.parameter_index(name)? {
                statement.raw_bind_parameter(at, value)?;
            }
        }
        let mut rows = statement.raw_query();
        while rows.next()?.is_some() {}
    }
    Ok(())
}
