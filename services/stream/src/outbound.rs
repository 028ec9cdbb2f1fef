//! Calls to other systems: auth and the media nodes.

pub mod auth;
pub mod media_node;

impl runtime::Dependency for media_node::MediaNodes {
    fn name(&self) -> &'static str {
        "media nodes"
    }

    async fn check(&self) -> Result<(), String> {
        Self::check(self).await
    }
}
