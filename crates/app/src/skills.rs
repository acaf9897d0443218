//! Skills: words that queues ask for and agents have, with levels.

use crate::people::{NAME_CHARS_MAX, checked_name};
use crate::{App, Error, Reader, Result, audit};
use domain::SkillId;
use domain::event::{NewEvent, ScopeKey};
use domain::image::Image;
use domain::permission::{Actor, Permission};
use domain::queue::Skill;
use serde_json::{Value, json};
use store::Tx;
use store::queries::{queues, skills, tenants};

const SKILLS_MAX: usize = 500;

/// A new skill without `id`, else another name for it.
pub async fn save(app: &App, actor: &Actor, id: Option<SkillId>, name: &str) -> Result<Skill> {
    actor.may(Permission::Administer)?;
    let name = checked_name("name", name, NAME_CHARS_MAX)?;
    let tenant = actor.tenant_id;
    let mut tx = app.begin(tenant, "save_skill").await?;
    // Names are compared with all others, so savers wait for each other.
    tenants::lock(&tx, tenant).await?;
    let all = skills::all(&tx, tenant).await?;
    let taken = |s: &Skill| {
        s.archived_at.is_none() && Some(s.id) != id && s.name.eq_ignore_ascii_case(&name)
    };
    if all.iter().any(taken) {
        return Err(Error::invalid("name", "another skill has this name"));
    }
    if id.is_none() && all.len() >= SKILLS_MAX {
        let rule = format!("a tenant has at most {SKILLS_MAX} skills");
        return Err(Error::invalid("name", rule));
    }
    let skill = match id {
        Some(id) => {
            let before = skills::get(&tx, tenant, id).await?;
            let skill = Skill { name, ..before };
            skills::update(&tx, &skill).await?;
            skill
        }
        None => {
            let skill = Skill {
                id: SkillId::new(tx.now()),
                tenant_id: tenant,
                name,
                archived_at: None,
            };
            skills::insert(&tx, &skill).await?;
            skill
        }
    };
    tell(&mut tx, &skill);
    let detail = json!({ "name": skill.name });
    audit::record(&tx, actor, "skill.save", skill.id, detail).await?;
    app.commit(tx, skill).await
}

/// Refused while a queue asks for it: its work would wait for a skill nobody can be given.
pub async fn archive(app: &App, actor: &Actor, id: SkillId) -> Result<Skill> {
    actor.may(Permission::Administer)?;
    let tenant = actor.tenant_id;
    let mut tx = app.begin(tenant, "archive_skill").await?;
    tenants::lock(&tx, tenant).await?;
    let mut skill = skills::get(&tx, tenant, id).await?;
    if skill.archived_at.is_some() {
        return Ok(skill);
    }
    let all = queues::all(&tx, tenant).await?;
    let asking = all.iter().find(|queue| {
        let asks = queue.required_skills.iter().any(|r| r.skill_id == id);
        asks && queue.archived_at.is_none()
    });
    if let Some(queue) = asking {
        let why = format!("the queue {} asks for this skill", queue.name);
        return Err(Error::conflict("SKILL_IN_USE", why));
    }
    skill.archived_at = Some(tx.now());
    skills::update(&tx, &skill).await?;
    tell(&mut tx, &skill);
    audit::record(&tx, actor, "skill.archive", id, Value::Null).await?;
    app.commit(tx, skill).await
}

fn tell(tx: &mut Tx, skill: &Skill) {
    tx.emit(NewEvent {
        scope: vec![ScopeKey::Tenant],
        image: Image::Skill(Box::new(skill.clone())),
    });
}

impl Reader {
    /// All skills, archived ones too: old proficiencies still need their names.
    pub async fn skills(&self) -> Result<Vec<Skill>> {
        Ok(skills::all(self.db(), self.tenant_id()).await?)
    }
}
