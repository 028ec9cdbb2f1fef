//! External systems other than the store: peers, and the files of a media node.

pub mod files;
pub mod peers;

impl runtime::Dependency for files::Files {
    fn name(&self) -> &'static str {
        "recordings"
    }

    async fn check(&self) -> Result<(), String> {
        Self::check(self).await.map_err(|error| error.to_string())
    }
}
