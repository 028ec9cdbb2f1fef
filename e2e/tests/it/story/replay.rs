//! The replay: recordings become VODs, which play.

use anyhow::{Context, Result, ensure};
use e2e::api::{number, text};
use e2e::browser::{Player, play};
use reqwest::StatusCode;
use stack::eventually;

use super::{LONG_TIMEOUT, Story, TIMEOUT};

impl Story {
    /// Both publishes of the broadcast were recorded, and each recording is announced as a VOD.
    pub(super) async fn recordings_become_vods(&mut self) -> Result<Vec<i64>> {
        let mut vods = Vec::new();
        for _ in 0..2 {
            vods.push(number(
                &self.notification_within("new_vod", LONG_TIMEOUT).await?,
                "/relatedEntityId",
            )?);
        }
        eventually(TIMEOUT, "the local recordings to be removed", async || {
            let left = self.recordings()?;
            ensure!(left.is_empty(), "{left:?}");
            Ok(())
        })
        .await?;
        let list = self
            .viewer
            .api
            .get(&format!("/vod?streamId={}", self.stream.id))
            .await?
            .expect(200)?;
        ensure!(list["totalItems"] == 2, "{list}");
        vods.sort_unstable();
        Ok(vods)
    }

    pub(super) async fn vods_play(&self, vods: &[i64], mut recorded: Vec<f64>) -> Result<()> {
        let mut lengths = Vec::new();
        for id in vods {
            let vod = self.viewer.api.get(&format!("/vod/{id}")).await?.expect(200)?;
            let vod = &vod["vod"];
            ensure!(vod["status"] == "ready" && vod["viewCount"] == 1, "{vod}");
            lengths.push(vod["durationSeconds"].as_f64().context("no duration")?);
            let url = text(vod, "/videoUrl")?;
            ensure!(is_fast_start(&url).await?, "the index comes after the media");
            let seen = play(Player::File, self.platform.origin(), &url, 1).await?;
            ensure!(
                seen["width"] == 640 && number(&seen, "/audioBytes")? > 0,
                "{seen}"
            );
            let picture = reqwest::get(text(vod, "/thumbnailUrl")?)
                .await?
                .error_for_status()?
                .bytes()
                .await?;
            ensure!(picture.starts_with(&[0xFF, 0xD8]), "the thumbnail is not a JPEG");
            let again = self.viewer.api.get(&format!("/vod/{id}")).await?.expect(200)?;
            ensure!(
                again["vod"]["viewCount"] == 1,
                "a second view was counted: {again}"
            );
        }
        lengths.sort_unstable_by(f64::total_cmp);
        recorded.sort_unstable_by(f64::total_cmp);
        let near = lengths
            .iter()
            .zip(&recorded)
            .all(|(vod, recording)| (vod - recording).abs() < 1.0);
        ensure!(
            near && lengths.len() == recorded.len(),
            "{lengths:?} against {recorded:?}"
        );
        let latest = self
            .viewer
            .api
            .get(&format!("/streams/{}/vod", self.stream.id))
            .await?
            .expect(200)?;
        ensure!(vods.contains(&number(&latest, "/vod/id")?), "{latest}");
        Ok(())
    }
}

/// Tells whether playback can start before the download ends: the index (`moov`) precedes the media (ISO/IEC
/// 14496-12). Uses a range request, as players do.
async fn is_fast_start(url: &str) -> Result<bool> {
    let response = reqwest::Client::new()
        .get(url)
        .header("range", "bytes=0-65535")
        .send()
        .await?;
    ensure!(
        response.status() == StatusCode::PARTIAL_CONTENT,
        "ranges are not supported: {}",
        response.status()
    );
    let head = response.bytes().await?;
    let position = |name: &[u8]| head.windows(4).position(|window| window == name);
    let (moov, mdat) = (position(b"moov"), position(b"mdat"));
    Ok(moov.is_some_and(|moov| mdat.is_none_or(|mdat| moov < mdat)))
}
