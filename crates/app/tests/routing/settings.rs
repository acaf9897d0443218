//! Queues, skills, teams and agents as administrators set them up.

use crate::world::{World, code};
use app::queues::{self, SaveQueue};
use app::{Reader, agents, offers, skills, teams};
use domain::agent_state::{AgentPresence, AgentStatus};
use domain::queue::{Proficiency, QueueMember, RequiredSkill};
use domain::{SkillId, UserId};
use std::collections::{BTreeMap, BTreeSet};
use store::for_each_backend;

for_each_backend! {
    async fn a_queue_asks_only_for_people_and_skills_that_exist(db) {
        let world = World::new(db).await;
        let now = world.app.now();
        let save = |input: SaveQueue| queues::save(&world.app, &world.boss, SaveQueue { id: Some(world.queue), name: "General".into(), ..input });
        let stranger = QueueMember { user_id: UserId::new(now), priority: 1, delay_s: 0 };
        assert_eq!(code(save(SaveQueue { members: Some(vec![stranger]), ..Default::default() }).await), "INVALID");
        let unknown = RequiredSkill { skill_id: SkillId::new(now), level_min: 1 };
        assert_eq!(code(save(SaveQueue { required_skills: Some(vec![unknown]), ..Default::default() }).await), "INVALID");
        assert_eq!(code(save(SaveQueue { offer_ttl_s: Some(0), ..Default::default() }).await), "INVALID");
        let twin = queues::save(&world.app, &world.boss, SaveQueue { name: "general".into(), ..Default::default() }).await;
        assert_eq!(code(twin), "INVALID");
    }

    async fn an_agent_changes_no_settings(db) {
        let world = World::new(db).await;
        let agent = world.agent("her").await;
        let queue = SaveQueue { name: "Mine".into(), ..Default::default() };
        assert_eq!(code(queues::save(&world.app, &agent.actor, queue).await), "FORBIDDEN");
        assert_eq!(code(skills::save(&world.app, &agent.actor, None, "Korean").await), "FORBIDDEN");
        assert_eq!(code(teams::save(&world.app, &agent.actor, None, "A", vec![]).await), "FORBIDDEN");
        let more = BTreeMap::from([("*".to_owned(), 50)]);
        assert_eq!(code(agents::set_capacity(&world.app, &agent.actor, agent.id(), more).await), "FORBIDDEN");
        let status = AgentStatus::Offline;
        let refused = agents::set_state(&world.app, &agent.actor, Some(world.boss.user_id), status, None).await;
        assert_eq!(code(refused), "FORBIDDEN");
    }

    async fn a_break_after_the_work_begins_when_the_last_ticket_is_closed(db) {
        let world = World::new(db).await;
        let her = world.agent("her").await;
        let ticket = world.ticket().await;
        world.route().await;
        offers::accept(&world.app, &her.actor, world.offer_to(&her).await.unwrap().id).await.unwrap();
        let lunch = |who| agents::finish_first(&world.app, who, Some(her.id()), AgentStatus::NotReady, Some("lunch"));
        let other = world.agent("other").await;
        assert_eq!(code(lunch(&other.actor).await), "FORBIDDEN");
        world.status(&other.actor, AgentStatus::Offline).await;
        let agent = lunch(&her.actor).await.unwrap();
        assert_eq!((agent.state.status, agent.presence), (AgentStatus::Available, AgentPresence::OnContact));
        world.ticket().await;
        world.route().await;
        assert!(world.offer_to(&her).await.is_none(), "nothing new before lunch");
        world.close(ticket.id).await;
        let state = world.state(&her).await;
        assert_eq!((state.status, state.reason.as_deref(), state.next), (AgentStatus::NotReady, Some("lunch"), None));
        let never = agents::finish_first(&world.app, &her.actor, None, AgentStatus::Available, None).await;
        assert_eq!(code(never), "INVALID");
    }

    async fn a_channel_she_switched_off_is_asked_of_others(db) {
        let world = World::new(db).await;
        let (first, second) = (world.agent("first").await, world.agent("second").await);
        let off = |kind: &str| {
            let kinds = BTreeSet::from([kind.to_owned()]);
            agents::set_channels_off(&world.app, &first.actor, None, kinds)
        };
        assert_eq!(code(off("pigeon").await), "INVALID");
        let agent = off("sandbox").await.unwrap();
        assert!(agent.state.channels_off.contains("sandbox"));
        world.ticket().await;
        world.route().await;
        assert!(world.offer_to(&first).await.is_none());
        assert!(world.offer_to(&second).await.is_some());
        let on = agents::set_channels_off(&world.app, &world.boss, Some(first.id()), BTreeSet::new());
        assert!(on.await.unwrap().state.channels_off.is_empty());
    }

    async fn a_required_skill_decides_who_is_asked(db) {
        let world = World::new(db).await;
        let (_plain, skilled) = (world.agent("plain").await, world.agent("skilled").await);
        let skill = skills::save(&world.app, &world.boss, None, "Korean").await.unwrap();
        let required = vec![RequiredSkill { skill_id: skill.id, level_min: 3 }];
        let input = SaveQueue { id: Some(world.queue), name: "General".into(), required_skills: Some(required), ..Default::default() };
        queues::save(&world.app, &world.boss, input).await.unwrap();
        let knows = vec![Proficiency { skill_id: skill.id, level: 4 }];
        agents::set_proficiencies(&world.app, &world.boss, skilled.id(), knows).await.unwrap();
        world.ticket().await;
        world.route().await;
        assert!(world.offer_to(&skilled).await.is_some());
        assert_eq!(code(skills::archive(&world.app, &world.boss, skill.id).await), "SKILL_IN_USE");
    }

    async fn a_queue_with_work_cannot_be_archived(db) {
        let world = World::new(db).await;
        let ticket = world.ticket().await;
        assert_eq!(code(queues::archive(&world.app, &world.boss, world.queue).await), "QUEUE_IN_USE");
        world.close(ticket.id).await;
        let gone = queues::archive(&world.app, &world.boss, world.queue).await.unwrap();
        assert!(gone.archived_at.is_some());
    }

    async fn a_team_holds_members_only_and_leaves_no_trace_when_deleted(db) {
        let world = World::new(db).await;
        let agent = world.agent("her").await;
        let stranger = UserId::new(world.app.now());
        assert_eq!(code(teams::save(&world.app, &world.boss, None, "A", vec![stranger]).await), "INVALID");
        let team = teams::save(&world.app, &world.boss, None, "A", vec![agent.id(), agent.id()]).await.unwrap();
        assert_eq!(team.members, [agent.id()]);
        teams::delete(&world.app, &world.boss, team.id).await.unwrap();
        assert_eq!(code(teams::delete(&world.app, &world.boss, team.id).await), "NOT_FOUND");
        let reader = Reader::new(app::App::clone(&world.app), agent.actor.clone());
        assert_eq!(reader.teams().await.unwrap(), []);
    }
}
