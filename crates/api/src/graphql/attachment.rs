//! Files: announcing an upload. The bytes travel by `PUT`, not through the graph.

use super::context::{actor_who_may, app};
use super::error::{Problem, outcome};
use super::words::id;
use ::app::uploads;
use async_graphql::{Context, ID, Object, Result, SimpleObject};
use domain::permission::Permission::WorkTickets;

#[derive(SimpleObject)]
pub struct UploadPayload {
    pub problem: Option<Problem>,
    pub id: Option<ID>,
    pub url: Option<String>,
}

#[derive(Default)]
pub struct AttachmentMutation;

#[Object]
impl AttachmentMutation {
    async fn create_upload(
        &self,
        ctx: &Context<'_>,
        name: String,
        media_type: String,
        size_bytes: i32,
    ) -> Result<UploadPayload> {
        let actor = actor_who_may(ctx, WorkTickets)?;
        let made = uploads::create(app(ctx)?, actor, &name, &media_type, size_bytes.into()).await;
        Ok(match outcome(made)? {
            Ok(upload) => UploadPayload {
                problem: None,
                url: Some(format!("/media/uploads/{}", upload.id)),
                id: Some(id(upload.id)),
            },
            Err(problem) => UploadPayload {
                problem: Some(problem),
                id: None,
                url: None,
            },
        })
    }
}
