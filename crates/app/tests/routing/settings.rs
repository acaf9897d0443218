//! Queues, skills, teams and agents as administrators set them up.

use crate::world::{World, code};
use app::queues::{self, SaveQueue};
use app::{Reader, agents, skills, teams};
use domain::queue::{Proficiency, QueueMember, RequiredSkill};
use domain::{SkillId, UserId};
use std::collections::BTreeMap;
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
        let status = domain::agent_state::AgentStatus::Offline;
        let refused = agents::set_state(&world.app, &agent.actor, Some(world.boss.user_id), status, None).await;
        assert_eq!(code(refused), "FORBIDDEN");
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
