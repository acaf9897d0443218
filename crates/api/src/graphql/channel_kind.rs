//! What can be connected: forms, icons and limits come from the channels themselves.

use super::context::{actor_who_may, app};
use super::words::int;
use app::inboxes::{Kind, KindField, kinds};
use async_graphql::{Context, Object, Result, SimpleObject};
use domain::permission::Permission;

#[derive(SimpleObject)]
pub struct SettingField {
    pub name: &'static str,
    pub label: &'static str,
    pub help: &'static str,
    pub kind: &'static str,
    pub required: bool,
    pub secret: bool,
    pub options: Vec<&'static str>,
}

impl From<KindField> for SettingField {
    fn from(field: KindField) -> Self {
        Self {
            name: field.name,
            label: field.label,
            help: field.help,
            kind: field.kind,
            required: field.required,
            secret: field.secret,
            options: field.options.to_vec(),
        }
    }
}

#[derive(SimpleObject)]
pub struct ChannelKind {
    pub kind: &'static str,
    pub name: &'static str,
    /// SVG, safe to inline.
    pub icon: &'static str,
    pub fields: Vec<SettingField>,
    /// Of a provider app of this channel.
    pub app_fields: Vec<SettingField>,
    #[graphql(name = "usesOAuth")]
    pub uses_oauth: bool,
    pub uses_provider_app: bool,
    pub text_max: i32,
    pub text_unit: &'static str,
    pub reply_window_hours: Option<i32>,
    pub can_edit: bool,
    pub can_delete: bool,
    pub can_react: bool,
    pub can_quote: bool,
    pub can_attach: bool,
    pub can_start: bool,
    pub attachment_max_bytes: i32,
    pub attachment_types: Vec<&'static str>,
}

impl From<Kind> for ChannelKind {
    fn from(kind: Kind) -> Self {
        let count = |n: u64| int(i64::try_from(n).unwrap_or(i64::MAX));
        let (limits, can) = (kind.limits, kind.capabilities);
        Self {
            kind: kind.kind,
            name: kind.name,
            icon: kind.icon,
            fields: kind.fields.into_iter().map(SettingField::from).collect(),
            app_fields: kind
                .app_fields
                .into_iter()
                .map(SettingField::from)
                .collect(),
            uses_oauth: kind.uses_oauth,
            uses_provider_app: kind.uses_provider_app,
            text_max: count(limits.text_max as u64),
            text_unit: limits.text_unit,
            reply_window_hours: kind.reply_window_hours.map(|hours| count(hours.into())),
            can_edit: can.edit,
            can_delete: can.delete,
            can_react: can.react,
            can_quote: can.quote,
            can_attach: can.attach,
            can_start: can.start,
            attachment_max_bytes: count(limits.attachment_bytes_max),
            attachment_types: limits.attachment_types.to_vec(),
        }
    }
}

#[derive(Default)]
pub struct ChannelKindQuery;

#[Object]
impl ChannelKindQuery {
    /// In the viewer's language.
    async fn channel_kinds(&self, ctx: &Context<'_>) -> Result<Vec<ChannelKind>> {
        let actor = actor_who_may(ctx, Permission::Read)?;
        let all = kinds(app(ctx)?, actor).await?;
        Ok(all.into_iter().map(ChannelKind::from).collect())
    }
}
