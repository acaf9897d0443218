//! What Meari asks its database for this page, statement by statement.

pub const QUEUES: &str = "SELECT id, tenant_id, name, color, offer_ttl_s, target_s, \
    required_skills, members, archived_at, version FROM queues WHERE tenant_id = ? ORDER BY name, id";

pub const COUNTS: &str = "SELECT tenant_id, queue_id, assignee_id, status, n FROM ticket_counts \
    WHERE tenant_id = ? AND n <> 0";

fn ids(amount: usize) -> String {
    vec!["?"; amount].join(", ")
}

pub fn places() -> String {
    let stream = |status: &str| {
        format!(
            "SELECT id, sort_key FROM (\
             SELECT tickets.id AS id, tickets.last_message_at AS sort_key FROM tickets \
             WHERE tickets.tenant_id = ?1 AND tickets.status = '{status}' \
             ORDER BY tickets.last_message_at DESC, tickets.id DESC LIMIT 51) AS stream"
        )
    };
    let union = ["open", "pending", "snoozed"].map(stream).join(" UNION ");
    format!("SELECT id, sort_key FROM ({union}) AS merged ORDER BY sort_key DESC, id DESC LIMIT 51")
}

pub fn tickets(amount: usize) -> String {
    format!(
        "SELECT id, tenant_id, number, subject, status, priority, tags, contact_id, queue_id, \
         assignee_id, snoozed_until, channel, message_head, last_message_at, last_message_preview, \
         last_message_inbound, waiting_since, created_at, updated_at, closed_at, version \
         FROM tickets WHERE (CASE WHEN tenant_id = ? THEN 1 ELSE 0 END) = 1 AND id IN ({})",
        ids(amount)
    )
}

pub fn contacts(amount: usize) -> String {
    format!(
        "SELECT id, tenant_id, name, locale, note, avatar_url, merged_into, created_at, version \
         FROM contacts WHERE tenant_id = ? AND id IN ({})",
        ids(amount)
    )
}

pub fn users(amount: usize) -> String {
    format!(
        "SELECT id, email, name, locale, password_hash, created_at FROM users WHERE id IN ({})",
        ids(amount)
    )
}

pub fn cursors(amount: usize) -> String {
    format!(
        "SELECT ticket_id, position, tenant_id, user_id FROM read_cursors \
         WHERE tenant_id = ? AND user_id = ? AND ticket_id IN ({})",
        ids(amount)
    )
}

pub fn unread(amount: usize) -> String {
    format!(
        "SELECT messages.ticket_id, count(messages.id) AS n FROM tickets \
         INNER JOIN messages ON messages.ticket_id = tickets.id \
         LEFT JOIN read_cursors \
         ON read_cursors.ticket_id = tickets.id AND read_cursors.user_id = ?2 \
         WHERE (CASE WHEN tickets.tenant_id = ?1 THEN 1 ELSE 0 END) = 1 \
         AND tickets.id IN ({}) \
         AND messages.position > tickets.message_head - 100 \
         AND messages.position > coalesce(read_cursors.position, 0) \
         AND messages.kind <> 'system' \
         AND (messages.author_user_id IS NULL OR messages.author_user_id <> ?2) \
         GROUP BY messages.ticket_id",
        ids(amount)
    )
}
