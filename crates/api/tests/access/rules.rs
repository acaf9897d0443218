//! The least right for each field, with arguments that would succeed for somebody of the tenant.
//! Whoever adds a field adds a row.

use crate::world::World;
use domain::people::Role;
use domain::permission::Permission::{
    self, Administer, ManageOwnAccess, Read, Supervise, WorkTickets,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// Answers anybody; the use case itself guards against abuse.
    Public,
    /// Any proven caller; the field looks at nothing but her own credential.
    SignedIn,
    Needs(Permission),
    /// The permission, and a role above the permission's own least one.
    From(Role, Permission),
}

impl Rule {
    /// The permission and the least role; `None` for what needs neither.
    pub fn least(self) -> Option<(Permission, Role)> {
        match self {
            Self::Public | Self::SignedIn => None,
            Self::Needs(permission) => Some((permission, permission.role_min())),
            Self::From(role, permission) => Some((permission, role)),
        }
    }
}

/// What somebody of another tenant gets when she names ids of this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Foreign {
    /// The arguments name nothing of the tenant: she sees or changes her own tenant.
    NothingNamed,
    /// What anybody gets for ids that do not exist: `null` from a query, a problem from a mutation.
    NotFound,
}

/// What a mutation said in its payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    Done,
    Problem(String),
}

#[derive(Clone)]
pub struct Row {
    pub kind: &'static str,
    pub field: &'static str,
    pub rule: Rule,
    pub foreign: Foreign,
    /// Arguments and selection: what follows the field's name.
    pub rest: fn(&World) -> String,
}

impl Row {
    pub fn name(&self) -> String {
        format!("{} {}", self.kind, self.field)
    }
}

pub fn query(field: &'static str, rule: Rule, rest: fn(&World) -> String) -> Row {
    Row {
        kind: "query",
        field,
        rule,
        foreign: Foreign::NothingNamed,
        rest,
    }
}

fn subscription(field: &'static str, rule: Rule, rest: fn(&World) -> String) -> Row {
    Row {
        kind: "subscription",
        ..query(field, rule, rest)
    }
}

pub fn mutation(
    field: &'static str,
    rule: Rule,
    foreign: Foreign,
    rest: fn(&World) -> String,
) -> Row {
    Row {
        kind: "mutation",
        field,
        rule,
        foreign,
        rest,
    }
}

pub fn rows() -> Vec<Row> {
    [
        sign_in(),
        people(),
        tokens(),
        audit(),
        live(),
        queues(),
        agents(),
        inboxes(),
        crate::cases::rows(),
    ]
    .concat()
}

pub const DONE: &str = "{ problem { code } }";

fn sign_in() -> Vec<Row> {
    use Foreign::{NotFound, NothingNamed};
    use Rule::{Needs, Public, SignedIn};
    vec![
        query("setupState", Public, |_| "{ needed version }".into()),
        query("sessions", Needs(ManageOwnAccess), |_| {
            "{ id ip userAgent }".into()
        }),
        mutation("setup", Public, NothingNamed, |_| {
            format!(
                "(input: {{tenant: \"x\", email: \"x@example.com\", name: \"x\", password: \"y\"}}) {DONE}"
            )
        }),
        mutation("signIn", Public, NothingNamed, |_| {
            format!("(email: \"nobody@example.com\", password: \"guess\") {DONE}")
        }),
        mutation("refresh", Public, NothingNamed, |_| DONE.into()),
        mutation("requestPasswordReset", Public, NothingNamed, |_| {
            format!("(email: \"nobody@example.com\") {DONE}")
        }),
        mutation("resetPassword", Public, NothingNamed, |_| {
            format!("(token: \"x\", password: \"y\") {DONE}")
        }),
        mutation("acceptInvitation", Public, NothingNamed, |_| {
            format!("(token: \"x\", name: \"y\", password: \"z\") {DONE}")
        }),
        mutation("renewSocket", SignedIn, NothingNamed, |_| {
            format!("(accessToken: \"x\") {DONE}")
        }),
        mutation("signOut", Needs(ManageOwnAccess), NothingNamed, |_| {
            DONE.into()
        }),
        mutation("switchTenant", Needs(ManageOwnAccess), NotFound, |world| {
            format!("(tenantId: \"{}\") {DONE}", world.tenant)
        }),
        mutation(
            "changePassword",
            Needs(ManageOwnAccess),
            NothingNamed,
            |_| format!("(current: \"wrong\", password: \"a lantern in the fog\") {DONE}"),
        ),
        mutation("revokeSession", Needs(ManageOwnAccess), NotFound, |world| {
            format!("(id: \"{}\") {DONE}", world.session)
        }),
    ]
}

fn people() -> Vec<Row> {
    use Foreign::{NotFound, NothingNamed};
    use Rule::Needs;
    vec![
        query("viewer", Needs(Read), |_| {
            "{ id email name role tenant { id name } tenants { id name } permissions }".into()
        }),
        query("tenant", Needs(Read), |_| "{ id name }".into()),
        query("members", Needs(Read), |_| {
            "{ user { id name email } role }".into()
        }),
        query("invitations", Needs(Administer), |_| "{ id email }".into()),
        mutation("invite", Needs(Administer), NothingNamed, |_| {
            format!("(email: \"new@example.com\", role: AGENT) {DONE}")
        }),
        mutation("revokeInvitation", Needs(Administer), NotFound, |world| {
            format!("(id: \"{}\") {DONE}", world.invitation)
        }),
        mutation("setRole", Needs(Administer), NotFound, |world| {
            format!("(userId: \"{}\", role: SUPERVISOR) {DONE}", world.member)
        }),
        mutation("removeMember", Needs(Administer), NotFound, |world| {
            format!("(userId: \"{}\") {DONE}", world.member)
        }),
        mutation("updateTenant", Needs(Administer), NothingNamed, |_| {
            "(input: {locale: \"ko\"}) { problem { code } tenant { id name } }".into()
        }),
        mutation("updateViewer", Needs(ManageOwnAccess), NothingNamed, |_| {
            "(locale: \"ko\") { problem { code } viewer { id email } }".into()
        }),
    ]
}

fn tokens() -> Vec<Row> {
    use Foreign::{NotFound, NothingNamed};
    use Rule::Needs;
    vec![
        query("apiTokens", Needs(ManageOwnAccess), |_| {
            "{ id name }".into()
        }),
        mutation(
            "createApiToken",
            Needs(ManageOwnAccess),
            NothingNamed,
            |_| {
                "(name: \"robot\", scopes: [READ]) { problem { code } apiToken { id } secret }"
                    .into()
            },
        ),
        mutation(
            "revokeApiToken",
            Needs(ManageOwnAccess),
            NotFound,
            |world| format!("(id: \"{}\") {DONE}", world.api_token),
        ),
    ]
}

fn audit() -> Vec<Row> {
    vec![query("audit", Rule::Needs(Administer), |_| {
        "{ edges { node { id nodeId actorUserId detail } } }".into()
    })]
}

fn live() -> Vec<Row> {
    use Rule::{From, Needs};
    vec![
        query("events", From(Role::Supervisor, Read), |_| {
            "{ cursor resync changes { __typename ... on MemberImage { userId email } } }".into()
        }),
        mutation("typing", Needs(WorkTickets), Foreign::NotFound, |world| {
            format!("(ticketId: \"{}\") {DONE}", world.ticket)
        }),
        subscription("changes", Needs(Read), |_| "{ cursor resync }".into()),
        subscription("presence", Needs(Read), |_| "{ userId ticketId }".into()),
    ]
}

fn queues() -> Vec<Row> {
    use Foreign::NotFound;
    use Rule::Needs;
    vec![
        query("queues", Needs(Read), |_| {
            "{ id name members { userId } requiredSkills { skillId } }".into()
        }),
        query("skills", Needs(Read), |_| "{ id name }".into()),
        query("teams", Needs(Read), |_| "{ id name members }".into()),
        mutation("saveQueue", Needs(Administer), NotFound, |world| {
            format!("(input: {{id: \"{}\", name: \"q\"}}) {DONE}", world.queue)
        }),
        query("routingSettings", Needs(Read), |_| {
            "{ order select queueShares { queueId } tiers { userId } }".into()
        }),
        query("routingFaults", Needs(Supervise), |_| {
            "{ kind queueId skillId }".into()
        }),
        Row {
            foreign: NotFound,
            ..query("queueCandidates", Needs(Supervise), |world| {
                format!(
                    "(queueId: \"{}\", channel: \"sandbox\") {{ userId whyNot }}",
                    world.queue
                )
            })
        },
        Row {
            foreign: NotFound,
            ..query("ticketCandidates", Needs(Supervise), |world| {
                format!("(ticketId: \"{}\") {{ userId whyNot }}", world.ticket)
            })
        },
        query("routingPreview", Needs(Administer), |_| {
            "(settings: {order: FIFO}) { problem { code } preview { waiting changes { ticketId } } }"
                .into()
        }),
        mutation(
            "saveRoutingSettings",
            Needs(Administer),
            Foreign::NothingNamed,
            |_| format!("(input: {{order: DEADLINE}}) {DONE}"),
        ),
        mutation("archiveQueue", Needs(Administer), NotFound, |world| {
            format!("(id: \"{}\") {DONE}", world.queue)
        }),
        mutation("saveSkill", Needs(Administer), NotFound, |world| {
            format!("(id: \"{}\", name: \"s\") {DONE}", world.skill)
        }),
        mutation("archiveSkill", Needs(Administer), NotFound, |world| {
            format!("(id: \"{}\") {DONE}", world.skill)
        }),
        mutation("saveTeam", Needs(Administer), NotFound, |world| {
            format!("(id: \"{}\", name: \"t\", members: []) {DONE}", world.team)
        }),
        mutation("deleteTeam", Needs(Administer), NotFound, |world| {
            format!("(id: \"{}\") {DONE}", world.team)
        }),
    ]
}

fn agents() -> Vec<Row> {
    use Foreign::{NotFound, NothingNamed};
    use Rule::Needs;
    vec![
        query("agents", Needs(Read), |_| {
            "{ userId user { name email } status presence load capacity proficiencies { skillId } }"
                .into()
        }),
        mutation("setAgentState", Needs(WorkTickets), NothingNamed, |_| {
            format!("(status: AVAILABLE) {DONE}")
        }),
        mutation("setChannelsOff", Needs(WorkTickets), NothingNamed, |_| {
            format!("(off: [\"sandbox\"]) {DONE}")
        }),
        mutation("setCapacity", Needs(Supervise), NotFound, |world| {
            format!(
                "(userId: \"{}\", capacity: {{sandbox: 2}}) {DONE}",
                world.member
            )
        }),
        mutation("setProficiencies", Needs(Supervise), NotFound, |world| {
            format!("(userId: \"{}\", proficiencies: []) {DONE}", world.member)
        }),
        query("offers", Needs(Read), |_| {
            "{ id ticket { id subject } reason }".into()
        }),
        mutation("acceptOffer", Needs(WorkTickets), NotFound, |world| {
            format!("(id: \"{}\") {DONE}", world.offer)
        }),
        mutation("declineOffer", Needs(WorkTickets), NotFound, |world| {
            format!("(id: \"{}\") {DONE}", world.offer)
        }),
    ]
}

fn inboxes() -> Vec<Row> {
    use Foreign::NotFound;
    use Rule::Needs;
    vec![
        query("inboxes", Needs(Read), |_| {
            "{ id name account address state queue { id name } settings webhookUrl }".into()
        }),
        Row {
            foreign: NotFound,
            ..query("inbox", Needs(Read), |world| {
                format!("(id: \"{}\") {{ id name settings }}", world.inbox.id)
            })
        },
        query("channelKinds", Needs(Read), |_| {
            "{ kind name fields { name label } }".into()
        }),
        query("providerApps", Needs(Administer), |_| {
            "{ id name webhookUrl settings }".into()
        }),
        query("jobs", Needs(Administer), |_| {
            "(state: DONE) { edges { node { id kind payload } } }".into()
        }),
        mutation("connectInbox", Needs(Administer), NotFound, |world| {
            format!(
                "(input: {{channel: \"sandbox\", name: \"x\", queueId: \"{}\", \
                 settings: {{account: \"other\"}}, secrets: {{signing_secret: \"whsec_eA==\"}}}}) {DONE}",
                world.inbox.queue_id
            )
        }),
        mutation("updateInbox", Needs(Administer), NotFound, |world| {
            format!("(id: \"{}\", name: \"canary\") {DONE}", world.inbox.id)
        }),
        mutation("reconnectInbox", Needs(Administer), NotFound, |world| {
            format!(
                "(id: \"{}\", secrets: {{signing_secret: \"whsec_eA==\"}}) {DONE}",
                world.inbox.id
            )
        }),
        mutation("checkInbox", Needs(Administer), NotFound, |world| {
            format!("(id: \"{}\") {DONE}", world.inbox.id)
        }),
        mutation("disconnectInbox", Needs(Administer), NotFound, |world| {
            format!("(id: \"{}\") {DONE}", world.inbox.id)
        }),
        mutation("saveProviderApp", Needs(Administer), NotFound, |world| {
            format!(
                "(input: {{id: \"{}\", channel: \"mastodon\", name: \"canary\", settings: {{}}}}) {DONE}",
                world.provider_app
            )
        }),
        mutation("replayJob", Needs(Administer), NotFound, |world| {
            format!("(id: \"{}\") {DONE}", world.job)
        }),
        mutation("discardJob", Needs(Administer), NotFound, |world| {
            format!("(id: \"{}\") {DONE}", world.job)
        }),
    ]
}
