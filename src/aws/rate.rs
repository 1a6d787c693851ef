//! The request rate of each service: a token bucket for each account, region and quota of AWS, of a service or
//! of one operation. It slows down when throttled and recovers by itself.
//!
//! A throttle reduces the rate to 0.7 of its value. It then grows along the curve of TCP CUBIC (RFC
//! 9438), as in the adaptive mode of AWS's SDKs: fast to just below the throttled rate, slowly past
//! it, and faster the longer no throttle comes.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The factor on the rate after a throttle.
const DECREASE: f64 = 0.7;
/// The steepness of the curve.
const STEEPNESS: f64 = 0.4;
/// The minimum of requests a second, however often a service throttles.
const SLOWEST: f64 = 0.5;
/// The longest sleep before the bucket is checked again, since its rate may have changed.
const LOOK: Duration = Duration::from_millis(250);
/// The time over which the rate of sending is measured.
const WINDOW: Duration = Duration::from_secs(1);

/// The initial limits of a lane, which are also its maximum.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Limits {
    /// Concurrent requests.
    at_once: usize,
    /// Requests a second.
    rate: f64,
    /// Requests that may be sent without a pause.
    burst: f64,
}

impl Limits {
    const fn of(at_once: usize, rate: f64, burst: f64) -> Self {
        Self { at_once, rate, burst }
    }

    /// The quota of one operation. AWS publishes its rate and allows short bursts beyond it.
    const fn quota(rate: f64) -> Self {
        Self::of(10, rate, 10.0 * rate)
    }
}

/// Operations with a quota of their own, by the signing name of their service.
const QUOTAS: &[(&str, &[&str], Limits)] = &[
    // https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_limits.html
    ("monitoring", &["PutMetricAlarm", "DeleteAlarms"], Limits::quota(3.0)),
    ("monitoring", &["DescribeAlarms"], Limits::quota(9.0)),
    ("monitoring", &["GetDashboard", "PutDashboard", "DeleteDashboards"], Limits::quota(10.0)),
    // https://docs.aws.amazon.com/kms/latest/developerguide/requests-per-second.html
    ("kms", &["CreateKey", "CreateAlias", "UpdateAlias", "DeleteAlias"], Limits::quota(5.0)),
    ("kms", &["PutKeyPolicy", "EnableKeyRotation", "DisableKeyRotation", "TagResource"], Limits::quota(10.0)),
    // https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html
    ("logs", &["PutMetricFilter", "DeleteMetricFilter", "DescribeMetricFilters"], Limits::quota(5.0)),
    ("logs", &["CreateLogGroup", "DeleteLogGroup", "DescribeLogGroups"], Limits::quota(10.0)),
    // https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
    ("states", &["CreateStateMachine", "UpdateStateMachine"], Limits::of(10, 1.0, 100.0)),
    ("states", &["DeleteStateMachine", "ListTagsForResource"], Limits::of(10, 1.0, 100.0)),
    // https://docs.aws.amazon.com/general/latest/gr/sns.html
    ("sns", &["TagResource", "UntagResource", "ListTagsForResource"], Limits::quota(10.0)),
];

/// The limits of a request: the operation that has a quota of its own, if it has one, and the limits. Quotas
/// apply to an account and a region; they can be raised, and not every service publishes them. These leave
/// room for others, and throttles correct them.
fn limits<'o>(service: &str, operation: &'o str) -> (Option<&'o str>, Limits) {
    let own = QUOTAS.iter().find(|(of, operations, _)| *of == service && operations.contains(&operation));
    if let Some((_, _, limits)) = own {
        return (Some(operation), *limits);
    }
    let limits = match service {
        // At least 3,500 writes and 5,500 reads a second for a prefix of a bucket
        // (https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance.html).
        "s3" => Limits::of(64, 500.0, 1000.0),
        // Each operation has a bucket: 100 tokens and 20 more a second for those that describe, 50 and 5 for
        // those that change something (https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html).
        "ec2" if operation.starts_with("Describe") => return (Some(operation), Limits::of(16, 20.0, 100.0)),
        "ec2" if !operation.is_empty() => return (Some(operation), Limits::of(16, 5.0, 50.0)),
        // Hundreds to thousands for calls that read
        // (https://docs.aws.amazon.com/kms/latest/developerguide/requests-per-second.html).
        "kms" => Limits::of(32, 100.0, 200.0),
        // CreateTopic: 30 (https://docs.aws.amazon.com/general/latest/gr/sns.html).
        "sns" => Limits::of(16, 30.0, 100.0),
        // 50 (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html).
        "events" => Limits::of(16, 50.0, 100.0),
        // 20 and 200 at once (https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html).
        "states" => Limits::of(16, 20.0, 200.0),
        // Most calls: 50 (https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_limits.html).
        "secretsmanager" => Limits::of(16, 50.0, 100.0),
        // Unpublished, and shared by the whole account: the most careful limits.
        "iam" | "redshift" => Limits::of(8, 20.0, 100.0),
        _ => Limits::of(10, 20.0, 100.0),
    };
    (None, limits)
}

/// The lanes of all services, shared by clones.
#[derive(Clone, Debug, Default)]
pub(super) struct Lanes(Arc<Mutex<ByPlace>>);

/// Lanes by service, account, region and the operation that has a quota of its own.
type ByPlace = HashMap<(String, String, String, Option<String>), Arc<Lane>>;

impl Lanes {
    /// The lane of an operation of a service in a region of an account.
    pub(super) fn of(&self, service: &str, account: &str, region: &str, operation: &str) -> Arc<Lane> {
        let (own, limits) = limits(service, operation);
        // A lane is inserted whole, so the map is right even after a panic.
        let mut lanes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (service.to_owned(), account.to_owned(), region.to_owned(), own.map(str::to_owned));
        lanes.entry(key).or_insert_with(|| Arc::new(Lane::new(service, limits))).clone()
    }
}

/// The queue for requests that share a quota.
#[derive(Debug)]
pub(super) struct Lane {
    service: String,
    began: Instant,
    width: Arc<Semaphore>,
    /// The turn to take a token: first come, first served.
    turn: tokio::sync::Mutex<()>,
    bucket: Mutex<Bucket>,
}

/// A request on its way. It keeps its place until this is dropped.
#[derive(Debug)]
pub(super) struct InFlight {
    lane: Arc<Lane>,
    sent: Duration,
    _place: Option<OwnedSemaphorePermit>,
}

impl Lane {
    fn new(service: &str, limits: Limits) -> Self {
        Self {
            service: service.to_owned(),
            began: Instant::now(),
            width: Arc::new(Semaphore::new(limits.at_once)),
            turn: tokio::sync::Mutex::new(()),
            bucket: Mutex::new(Bucket::new(limits)),
        }
    }

    fn bucket(&self) -> MutexGuard<'_, Bucket> {
        // A panic leaves valid numbers.
        self.bucket.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until a request may be sent.
    pub(super) async fn enter(self: Arc<Self>) -> InFlight {
        // The semaphore is never closed, so a place always comes.
        let place = self.width.clone().acquire_owned().await.ok();
        let turn = self.turn.lock().await;
        loop {
            let now = self.began.elapsed();
            let taken = self.bucket().take(now);
            match taken {
                Ok(()) => {
                    drop(turn);
                    return InFlight { lane: self, sent: now, _place: place };
                }
                Err(wait) => tokio::time::sleep(wait.min(LOOK)).await,
            }
        }
    }
}

impl InFlight {
    /// Records that the service throttled this request.
    pub(super) fn throttled(&self) {
        let now = self.lane.began.elapsed();
        let mut bucket = self.lane.bucket();
        bucket.throttled(self.sent, now);
        let rate = bucket.rate(now);
        drop(bucket);
        tracing::debug!(service = self.lane.service, rate, "throttled");
    }
}

/// A token bucket whose rate adapts. It has no clock: times are relative to any fixed instant.
#[derive(Debug)]
struct Bucket {
    limits: Limits,
    tokens: f64,
    filled: Duration,
    slowed: Option<Slowed>,
    /// The send times within the last [`WINDOW`].
    sent: VecDeque<Duration>,
}

/// A throttle, and the rate at that time.
#[derive(Clone, Copy, Debug)]
struct Slowed {
    at: Duration,
    from: f64,
}

impl Bucket {
    fn new(limits: Limits) -> Self {
        Self { limits, tokens: limits.burst, filled: Duration::ZERO, slowed: None, sent: VecDeque::new() }
    }

    /// The requests a second at `now`.
    fn rate(&self, now: Duration) -> f64 {
        let Some(Slowed { at, from }) = self.slowed else { return self.limits.rate };
        let since = now.saturating_sub(at).as_secs_f64();
        // The time at which the curve is back at `from`.
        let back = (from * (1.0 - DECREASE) / STEEPNESS).cbrt();
        (STEEPNESS * (since - back).powi(3) + from).clamp(SLOWEST, self.limits.rate)
    }

    fn fill(&mut self, now: Duration) {
        let rate = self.rate(now);
        if rate >= self.limits.rate {
            self.slowed = None;
        }
        // A throttled bucket has no burst.
        let most = if self.slowed.is_some() { 1.0 } else { self.limits.burst };
        let since = now.saturating_sub(self.filled).as_secs_f64();
        self.tokens = (self.tokens + since * rate).min(most);
        self.filled = self.filled.max(now);
        while self.sent.front().is_some_and(|sent| now.saturating_sub(*sent) > WINDOW) {
            self.sent.pop_front();
        }
    }

    /// Takes a token, or returns the wait before the next attempt.
    fn take(&mut self, now: Duration) -> Result<(), Duration> {
        self.fill(now);
        if self.tokens < 1.0 {
            // A little late rather than a little early: rounding must not spin.
            let wait = (1.0 - self.tokens) / self.rate(now) + 0.001;
            return Err(Duration::from_secs_f64(wait));
        }
        self.tokens -= 1.0;
        self.sent.push_back(now);
        Ok(())
    }

    /// Records that a request sent at `sent` was throttled.
    fn throttled(&mut self, sent: Duration, now: Duration) {
        self.fill(now);
        self.tokens = self.tokens.min(0.0);
        // Throttles of concurrent requests count as one event, as in TCP.
        if self.slowed.is_some_and(|slowed| sent < slowed.at) {
            return;
        }
        // A rate that was never reached does not show what the service accepts.
        let measured = self.sent.len() as f64 / WINDOW.as_secs_f64();
        let from = self.rate(now).min(measured).max(SLOWEST / DECREASE);
        self.slowed = Some(Slowed { at: now, from });
    }
}

#[cfg(test)]
mod tests {
    use super::{Arc, Bucket, Duration, Lanes, Limits, QUOTAS, SLOWEST, limits};

    const START: Limits = Limits { at_once: 10, rate: 20.0, burst: 100.0 };

    fn at(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    /// A service that accepts this many requests a second, and as many at once.
    struct Service {
        rate: f64,
        tokens: f64,
        last: f64,
    }

    impl Service {
        fn new(rate: f64) -> Self {
            Self { rate, tokens: rate, last: 0.0 }
        }

        fn answers(&mut self, now: f64) -> bool {
            self.tokens = (self.tokens + (now - self.last) * self.rate).min(self.rate);
            self.last = now;
            let answers = self.tokens >= 1.0;
            self.tokens -= f64::from(u8::from(answers));
            answers
        }
    }

    /// Sends on a simulated clock until `count` requests were answered. Returns the time, and the
    /// number of throttles.
    fn send(bucket: &mut Bucket, service: &mut Service, mut now: f64, count: usize) -> (f64, usize) {
        let (mut answered, mut throttled) = (0, 0);
        let mut flying: Vec<(f64, f64, bool)> = Vec::new();
        while answered < count {
            flying.retain(|&(arrives, sent, ok)| {
                let there = arrives <= now;
                match (there, ok) {
                    (true, true) => answered += 1,
                    (true, false) => {
                        throttled += 1;
                        bucket.throttled(at(sent), at(now));
                    }
                    _ => {}
                }
                !there
            });
            if flying.len() < START.at_once && bucket.take(at(now)).is_ok() {
                flying.push((now + 0.02, now, service.answers(now)));
            } else {
                now += 0.005;
            }
            assert!(now < 1000.0, "it does not end");
        }
        (now, throttled)
    }

    #[test]
    fn without_throttling_the_burst_is_sent_at_once_and_the_rest_at_the_rate() {
        let mut bucket = Bucket::new(START);
        for _ in 0..100 {
            assert_eq!(bucket.take(at(0.0)), Ok(()));
        }
        let wait = bucket.take(at(0.0)).expect_err("it is empty");
        assert!((0.05..0.06).contains(&wait.as_secs_f64()), "{wait:?}");
        assert_eq!(bucket.take(wait), Ok(()));
        assert_eq!(bucket.take(at(60.0)), Ok(()));
        assert!((98.0..=99.0).contains(&bucket.tokens), "{}", bucket.tokens);
    }

    #[test]
    fn throttled_concurrent_requests_reduce_the_rate_once() {
        let mut bucket = Bucket::new(START);
        for _ in 0..20 {
            assert_eq!(bucket.take(at(0.0)), Ok(()));
        }
        for _ in 0..15 {
            bucket.throttled(at(0.0), at(0.1));
        }
        assert!((13.9..14.1).contains(&bucket.rate(at(0.1))), "{}", bucket.rate(at(0.1)));
        assert!(bucket.take(at(0.1)).is_err(), "nothing of the burst is left");
        // A throttle of a later request slows it again.
        bucket.throttled(at(0.2), at(0.25));
        assert!((9.0..11.0).contains(&bucket.rate(at(0.25))), "{}", bucket.rate(at(0.25)));
    }

    #[test]
    fn the_rate_recovers_and_never_exceeds_its_initial_value() {
        let mut bucket = Bucket::new(START);
        for step in 0..40 {
            let now = f64::from(step);
            bucket.throttled(at(now), at(now));
        }
        let slow = bucket.rate(at(39.0));
        assert!((SLOWEST..0.6).contains(&slow), "{slow}");
        let mut last = slow;
        for step in 40..60 {
            let rate = bucket.rate(at(f64::from(step)));
            assert!(rate >= last && rate <= START.rate, "{rate} after {last}");
            last = rate;
        }
        assert_eq!(last, START.rate);
        assert_eq!(bucket.take(at(60.0)), Ok(()));
        assert!(bucket.slowed.is_none(), "it has forgotten");
    }

    #[test]
    fn a_service_with_a_limit_of_five_a_second_gets_nearly_as_many() {
        let mut bucket = Bucket::new(START);
        let (time, throttled) = send(&mut bucket, &mut Service::new(5.0), 0.0, 300);
        assert!((59.0..75.0).contains(&time), "{time} s for 300 requests");
        assert!(throttled < 80, "{throttled} of 300 throttled");
    }

    #[test]
    fn the_rate_rises_again_when_a_service_recovers() {
        let mut bucket = Bucket::new(START);
        let (slow, _) = send(&mut bucket, &mut Service::new(2.0), 0.0, 40);
        let (time, _) = send(&mut bucket, &mut Service::new(1000.0), slow, 400);
        assert!(time - slow < 30.0, "{} s for 400 requests", time - slow);
    }

    #[test]
    fn every_lane_starts_with_a_burst_of_seconds() {
        let quotas = QUOTAS.iter().map(|(_, _, limits)| *limits);
        let services = ["s3", "iam", "ec2", "glue", "kms", "sns", "secretsmanager", "redshift", "sts", ""];
        let services = services
            .iter()
            .flat_map(|service| ["", "DescribeVpcs", "CreateVpc"].map(|one| limits(service, one).1));
        for limits in quotas.chain(services) {
            assert!(limits.rate >= 1.0 && limits.burst >= limits.rate && limits.at_once >= 8, "{limits:?}");
        }
    }

    #[test]
    fn an_operation_with_a_quota_does_not_slow_down_the_others() {
        let lanes = Lanes::default();
        let of = |operation: &str| lanes.of("monitoring", "", "eu-west-1", operation);
        assert!(Arc::ptr_eq(&of("TagResource"), &of("ListTagsForResource")));
        assert!(Arc::ptr_eq(&of("PutMetricAlarm"), &of("PutMetricAlarm")));
        assert!(!Arc::ptr_eq(&of("PutMetricAlarm"), &of("TagResource")));
        // AWS counts for each account.
        let other = lanes.of("monitoring", "111122223333", "eu-west-1", "TagResource");
        assert!(!Arc::ptr_eq(&other, &of("TagResource")));
    }
}
