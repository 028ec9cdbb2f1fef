//! The names and data of the queue's jobs, which programs in other languages read and write too.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::domain::{Fanout, NotificationKind};

/// The only version of the job data that this service reads and writes.
const VERSION: u64 = 1;

/// The job of one page of one fan-out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageJob {
    /// The job's name.
    pub kind: NotificationKind,
    pub data: JobData,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JobData {
    v: u64,
    pub fanout_id: i64,
    pub event_id: Uuid,
    /// Where the page starts, [`Fanout::START`] for the first one.
    pub after_follower_id: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stream_id: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    vod_id: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    follower_id: Option<i64>,
    /// The user whose followers are notified; for a new follower, the user who is notified.
    pub user_id: i64,
}

/// Why a job cannot be processed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidJob {
    #[error("unknown job name {0:?}")]
    Name(String),
    /// A field is missing or has the wrong type.
    #[error("invalid job data: {0}")]
    Data(String),
    #[error("job data has version {0}, this worker reads version {VERSION}")]
    Version(u64),
    #[error("unknown fan-out {0}")]
    UnknownFanout(i64),
    /// The job and its fan-out contradict each other.
    #[error("the job does not belong to fan-out {0}")]
    OtherFanout(i64),
}

impl PageJob {
    /// The job of the page after the follower `after`.
    #[must_use]
    pub fn new(fanout: &Fanout, after: i64) -> Self {
        let only = |kind: NotificationKind| (fanout.kind == kind).then_some(fanout.entity_id);
        let data = JobData {
            v: VERSION,
            fanout_id: fanout.id,
            event_id: fanout.event_id,
            after_follower_id: after,
            stream_id: only(NotificationKind::StreamStarted),
            vod_id: only(NotificationKind::NewVod),
            follower_id: only(NotificationKind::NewFollower),
            user_id: fanout.user.0,
        };
        Self {
            kind: fanout.kind,
            data,
        }
    }

    /// Unique per page, so that adding a page twice adds one job.
    #[must_use]
    pub fn id(&self) -> String {
        format!(
            "fanout-{}-after-{}",
            self.data.fanout_id, self.data.after_follower_id
        )
    }

    /// Reads a job, which any program may have added. The error is shown to operators as the reason of the
    /// failed job.
    pub fn parse(name: &str, data: &Value) -> Result<Self, InvalidJob> {
        let kind = name
            .parse()
            .map_err(|_| InvalidJob::Name(name.chars().take(100).collect()))?;
        if let Some(version) = data.get("v").and_then(Value::as_u64).filter(|v| *v != VERSION) {
            return Err(InvalidJob::Version(version));
        }
        let data = JobData::deserialize(data).map_err(|error| InvalidJob::Data(error.to_string()))?;
        Ok(Self { kind, data })
    }

    /// Checks that the job's data matches its fan-out.
    ///
    /// # Errors
    /// [`InvalidJob::OtherFanout`] if it does not.
    pub fn check_fanout(&self, fanout: &Fanout) -> Result<(), InvalidJob> {
        let mut expected = Self::new(fanout, self.data.after_follower_id);
        // The ids of the related entities are optional, but must match if present.
        expected.data.stream_id = expected.data.stream_id.filter(|_| self.data.stream_id.is_some());
        expected.data.vod_id = expected.data.vod_id.filter(|_| self.data.vod_id.is_some());
        expected.data.follower_id = expected
            .data
            .follower_id
            .filter(|_| self.data.follower_id.is_some());
        if expected == *self {
            Ok(())
        } else {
            Err(InvalidJob::OtherFanout(fanout.id))
        }
    }
}

#[cfg(test)]
mod tests {
    use primitives::UserId;
    use serde_json::json;

    use super::*;
    use crate::domain::FanoutState;

    fn fanout(kind: NotificationKind) -> Fanout {
        let event_id = "0190a5b4-0000-7000-8000-000000000001".parse().unwrap();
        Fanout {
            id: 17,
            event_id,
            kind,
            user: UserId(3),
            entity_id: 42,
            subject_title: None,
            state: FanoutState::Running { after: 0 },
            pages: 0,
        }
    }

    #[test]
    fn job_data_matches_the_contract() {
        let job = PageJob::new(&fanout(NotificationKind::StreamStarted), 1000);
        let data = json!({
            "v": 1, "fanoutId": 17, "eventId": "0190a5b4-0000-7000-8000-000000000001",
            "afterFollowerId": 1000, "streamId": 42, "userId": 3,
        });
        assert_eq!(serde_json::to_value(&job.data).unwrap(), data);
        assert_eq!(PageJob::parse("stream_started", &data), Ok(job.clone()));
        assert_eq!(job.id(), "fanout-17-after-1000");
        for (kind, field) in [
            (NotificationKind::NewVod, "vodId"),
            (NotificationKind::NewFollower, "followerId"),
        ] {
            let data = serde_json::to_value(PageJob::new(&fanout(kind), 0).data).unwrap();
            assert_eq!(data[field], 42);
            assert!(data.get("streamId").is_none());
        }
    }

    #[test]
    fn invalid_job_names_the_problem() {
        let good = serde_json::to_value(PageJob::new(&fanout(NotificationKind::NewVod), 0).data).unwrap();
        let reason = |name: &str, data: &Value| PageJob::parse(name, data).unwrap_err().to_string();
        assert_eq!(reason("send_mail", &good), "unknown job name \"send_mail\"");
        assert!(reason("new_vod", &json!({})).contains("missing field `v`"));
        let mut without = good.clone();
        without.as_object_mut().unwrap().remove("fanoutId");
        assert!(reason("new_vod", &without).contains("missing field `fanoutId`"));
        let mut newer = good;
        newer["v"] = json!(2);
        assert_eq!(
            reason("new_vod", &newer),
            "job data has version 2, this worker reads version 1"
        );
        for odd in [
            json!(null),
            json!([1]),
            json!("x"),
            json!({"v": 1, "fanoutId": "17"}),
        ] {
            assert!(reason("new_vod", &odd).starts_with("invalid job data"), "{odd}");
        }
    }

    #[test]
    fn job_must_match_its_fanout() {
        let own = fanout(NotificationKind::StreamStarted);
        let job = PageJob::new(&own, 0);
        assert_eq!(job.check_fanout(&own), Ok(()));
        let mut short = job.clone();
        short.data.stream_id = None;
        assert_eq!(short.check_fanout(&own), Ok(()));
        for other in [
            Fanout {
                event_id: Uuid::nil(),
                ..own.clone()
            },
            Fanout {
                user: UserId(4),
                ..own.clone()
            },
            Fanout {
                entity_id: 43,
                ..own.clone()
            },
            fanout(NotificationKind::NewVod),
        ] {
            assert_eq!(job.check_fanout(&other), Err(InvalidJob::OtherFanout(17)));
        }
    }
}
