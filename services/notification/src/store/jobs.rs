//! The jobs of the queue as they are written: names and data that programs in other languages read and write
//! too.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::domain::{Fanout, Kind};

/// The version of the data that we write, and the only one that we read.
const VERSION: u64 = 1;

/// A job: one page of one fan-out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageJob {
    /// The job's name.
    pub kind: Kind,
    /// The job's data.
    pub data: JobData,
}

/// The data of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JobData {
    v: u64,
    /// The fan-out.
    pub fanout_id: i64,
    /// The event that it came from.
    pub event_id: Uuid,
    /// The page after this follower, 0 for the first.
    pub after_follower_id: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stream_id: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    vod_id: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    follower_id: Option<i64>,
    /// Whose followers are told; of a new follower the one who is told.
    pub user_id: i64,
}

/// Why a job is none of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadJob {
    /// Its name is none of ours.
    #[error("unknown job name {0:?}")]
    Name(String),
    /// Its data lacks a field, or has one of another type.
    #[error("bad job data: {0}")]
    Data(String),
    /// It was written for another version of this service.
    #[error("job data of version {0}, this worker reads version {VERSION}")]
    Version(u64),
    /// The fan-out that it names does not exist.
    #[error("unknown fan-out {0}")]
    UnknownFanout(i64),
    /// It and its fan-out contradict each other.
    #[error("the job does not belong to fan-out {0}")]
    OtherFanout(i64),
}

impl PageJob {
    /// The job of the page after a follower.
    #[must_use]
    pub fn new(fanout: &Fanout, after: i64) -> Self {
        let only = |kind: Kind| (fanout.kind == kind).then_some(fanout.entity_id);
        let data = JobData {
            v: VERSION,
            fanout_id: fanout.id,
            event_id: fanout.event_id,
            after_follower_id: after,
            stream_id: only(Kind::StreamStarted),
            vod_id: only(Kind::NewVod),
            follower_id: only(Kind::NewFollower),
            user_id: fanout.user.0,
        };
        Self {
            kind: fanout.kind,
            data,
        }
    }

    /// The job's id. Each page has one, so that a page that is added twice is one job.
    #[must_use]
    pub fn id(&self) -> String {
        format!(
            "fanout-{}-after-{}",
            self.data.fanout_id, self.data.after_follower_id
        )
    }

    /// Reads a job that anybody may have written.
    ///
    /// # Errors
    /// Why it is none of ours, in words for whoever looks at the failed job.
    pub fn parse(name: &str, data: &Value) -> Result<Self, BadJob> {
        let kind = name
            .parse()
            .map_err(|_| BadJob::Name(name.chars().take(100).collect()))?;
        if let Some(version) = data.get("v").and_then(Value::as_u64).filter(|v| *v != VERSION) {
            return Err(BadJob::Version(version));
        }
        let data = JobData::deserialize(data).map_err(|error| BadJob::Data(error.to_string()))?;
        Ok(Self { kind, data })
    }

    /// Checks that the job speaks of this fan-out.
    ///
    /// # Errors
    /// [`BadJob::OtherFanout`] when it does not.
    pub fn belongs_to(&self, fanout: &Fanout) -> Result<(), BadJob> {
        let mut own = Self::new(fanout, self.data.after_follower_id);
        // What the job leads to may be left out; what is there must be right.
        own.data.stream_id = own.data.stream_id.filter(|_| self.data.stream_id.is_some());
        own.data.vod_id = own.data.vod_id.filter(|_| self.data.vod_id.is_some());
        own.data.follower_id = own.data.follower_id.filter(|_| self.data.follower_id.is_some());
        if own == *self {
            Ok(())
        } else {
            Err(BadJob::OtherFanout(fanout.id))
        }
    }
}

#[cfg(test)]
mod tests {
    use primitives::UserId;
    use serde_json::json;

    use super::*;
    use crate::domain::State;

    fn fanout(kind: Kind) -> Fanout {
        let event_id = "0190a5b4-0000-7000-8000-000000000001".parse().unwrap();
        Fanout {
            id: 17,
            event_id,
            kind,
            user: UserId(3),
            entity_id: 42,
            state: State::Running { after: 0 },
            pages: 0,
        }
    }

    #[test]
    fn the_data_is_that_of_the_contract() {
        let job = PageJob::new(&fanout(Kind::StreamStarted), 1000);
        let data = json!({
            "v": 1, "fanoutId": 17, "eventId": "0190a5b4-0000-7000-8000-000000000001", "afterFollowerId": 1000,
            "streamId": 42, "userId": 3,
        });
        assert_eq!(serde_json::to_value(&job.data).unwrap(), data);
        assert_eq!(PageJob::parse("stream_started", &data), Ok(job.clone()));
        assert_eq!(job.id(), "fanout-17-after-1000");
        for (kind, field) in [(Kind::NewVod, "vodId"), (Kind::NewFollower, "followerId")] {
            let data = serde_json::to_value(PageJob::new(&fanout(kind), 0).data).unwrap();
            assert_eq!(data[field], 42);
            assert!(data.get("streamId").is_none());
        }
    }

    #[test]
    fn a_bad_job_says_what_is_wrong() {
        let good = serde_json::to_value(PageJob::new(&fanout(Kind::NewVod), 0).data).unwrap();
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
            "job data of version 2, this worker reads version 1"
        );
        for odd in [
            json!(null),
            json!([1]),
            json!("x"),
            json!({"v": 1, "fanoutId": "17"}),
        ] {
            assert!(reason("new_vod", &odd).starts_with("bad job data"), "{odd}");
        }
    }

    #[test]
    fn a_job_belongs_to_one_fanout() {
        let own = fanout(Kind::StreamStarted);
        let job = PageJob::new(&own, 0);
        assert_eq!(job.belongs_to(&own), Ok(()));
        let mut short = job.clone();
        short.data.stream_id = None;
        assert_eq!(short.belongs_to(&own), Ok(()));
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
            fanout(Kind::NewVod),
        ] {
            assert_eq!(job.belongs_to(&other), Err(BadJob::OtherFanout(17)));
        }
    }
}
