//! The identity at AWS: credentials, endpoint, account, and clients by region.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use aws_config::default_provider::credentials::DefaultCredentialsChain;
use aws_config::{BehaviorVersion, ConfigLoader, Region};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::SdkConfig;

use super::audit::Recorder;
use super::transport::Gate;
use super::{Audit, CallCounts, Class, Clients, Cx, Error, Meter, Place, Result, Scope};

/// Maximum number of attempts of the first call if it is throttled.
const FIRST_CALLS: u32 = 8;

/// How to reach AWS.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Another endpoint for all services, such as an emulator's.
    pub endpoint_url: Option<String>,
    /// A profile of the shared configuration files.
    pub profile: Option<String>,
    /// The local AWS: fixed credentials, and no request leaves loopback.
    pub sandbox: bool,
    /// The audit file for calls that change something.
    pub audit: Option<Audit>,
    /// The files of the stack.
    pub files: crate::files::Files,
    /// Another HTTP client, such as a test's that loses answers.
    pub http: Option<SharedHttpClient>,
}

/// The connection to AWS of one run.
pub struct Session {
    options: Options,
    gate: Gate,
    meter: Meter,
    account_id: String,
    partition: String,
    caller: String,
    /// By place, and by whether each request is sent only once.
    contexts: RefCell<HashMap<(Place, bool), Cx>>,
    /// The numbers of resources read, and asked for.
    reads: Cell<(usize, usize)>,
    base: SdkConfig,
}

impl Session {
    /// Connects and asks who the caller is.
    ///
    /// # Errors
    /// There are no credentials, the endpoint is unreachable, or STS refuses.
    pub async fn connect(options: Options, region: &str) -> Result<Self> {
        let custom = options.endpoint_url.is_some()
            || std::env::vars()
                .any(|(name, value)| name.starts_with("AWS_ENDPOINT_URL") && !value.is_empty());
        let gate = Gate::new(options.http.clone(), options.sandbox, custom);
        let meter = Meter::default();
        let base = configure(&options, &gate.shared(), region).await;
        // The first call shows whether AWS answers at all. Only throttles are retried, so that a wrong
        // endpoint or missing credentials are reported at once.
        let impatient = aws_sdk_sts::config::Builder::from(&base)
            .retry_config(RetryConfig::standard().with_max_attempts(1))
            .interceptor(meter.clone())
            .build();
        let sts = aws_sdk_sts::Client::from_conf(impatient);
        let mut calls = 0;
        let identity = loop {
            calls += 1;
            match sts.get_caller_identity().send().await.map_err(Error::from) {
                Err(error) if error.class == Class::Throttled && calls < FIRST_CALLS => {
                    tokio::time::sleep(Duration::from_millis(100 << calls)).await;
                }
                answer => break answer?,
            }
        };
        let caller = identity.arn().unwrap_or_default().to_owned();
        let partition = caller
            .split(':')
            .nth(1)
            .filter(|part| !part.is_empty())
            .map_or_else(|| Scope::partition_of(region).to_owned(), str::to_owned);
        Ok(Self {
            options,
            gate,
            meter,
            account_id: identity.account().unwrap_or_default().to_owned(),
            partition,
            caller,
            contexts: RefCell::new(HashMap::new()),
            reads: Cell::default(),
            base,
        })
    }

    /// The caller's ARN.
    pub fn caller(&self) -> &str {
        &self.caller
    }

    /// The account of the caller.
    pub fn account_id(&self) -> &str {
        &self.account_id
    }

    /// Returns whether this is the local AWS.
    pub fn is_sandbox(&self) -> bool {
        self.options.sandbox
    }

    /// The HTTP client with separate queues, for calls that must not wait behind those for resources,
    /// such as a lock's heartbeat.
    pub fn http_apart(&self) -> SharedHttpClient {
        self.gate.apart()
    }

    /// The HTTP client with separate connections, for another thread.
    pub fn http_alone(&self) -> SharedHttpClient {
        self.gate.alone(self.options.http.clone())
    }

    /// Account, partition and `region`.
    pub fn scope(&self, region: &str) -> Scope {
        Scope {
            partition: self.partition.clone(),
            account_id: self.account_id.clone(),
            region: region.to_owned(),
        }
    }

    /// The context of the kinds' verbs at `place`.
    pub fn cx(&self, place: &Place) -> Cx {
        self.context(place, false)
    }

    /// Like [`Self::cx`], with each request sent only once: if the answer to a create was lost, only a
    /// read shows whether to repeat it.
    pub fn cx_once(&self, place: &Place) -> Cx {
        self.context(place, true)
    }

    fn context(&self, place: &Place, once: bool) -> Cx {
        let region = &place.region;
        self.contexts
            .borrow_mut()
            .entry((place.clone(), once))
            .or_insert_with(|| {
                let mut config = self.base.to_builder().region(Region::new(region.clone()));
                if once {
                    config = config.retry_config(RetryConfig::disabled());
                }
                Cx {
                    aws: Rc::new(Clients::new(
                        config.build(),
                        self.meter.clone(),
                        Recorder(self.options.audit.clone()),
                    )),
                    scope: self.scope(region),
                    place: place.clone(),
                    files: self.options.files.clone(),
                }
            })
            .clone()
    }

    /// The names of the availability zones of `region` that the account may use, sorted.
    ///
    /// # Errors
    /// AWS answered with an error.
    pub async fn availability_zones(&self, region: &str) -> Result<Vec<String>> {
        use aws_sdk_ec2::types::Filter;
        let usable = Filter::builder().name("zone-type").values("availability-zone").build();
        let answer = self
            .cx(&Place::of(region))
            .aws
            .ec2()
            .describe_availability_zones()
            .filters(usable)
            .send()
            .await?;
        let mut zones: Vec<String> = answer
            .availability_zones()
            .iter()
            .filter_map(|zone| zone.zone_name().map(str::to_owned))
            .collect();
        zones.sort();
        Ok(zones)
    }

    /// The calls made so far.
    pub fn call_counts(&self) -> CallCounts {
        self.meter.call_counts()
    }

    /// The numbers of resources read so far, and asked for.
    pub fn reads(&self) -> (usize, usize) {
        self.reads.get()
    }

    /// Adds to the number of resources asked for.
    pub fn asks(&self, count: usize) {
        let (answered, asked) = self.reads.get();
        self.reads.set((answered, asked + count));
    }

    /// Adds to the number of resources read.
    pub fn answered(&self, count: usize) {
        let (answered, asked) = self.reads.get();
        self.reads.set((answered + count, asked));
    }
}

async fn configure(options: &Options, http: &SharedHttpClient, region: &str) -> SdkConfig {
    let region = Region::new(region.to_owned());
    // A verb of a kind may make several calls, so throttles and faults are retried call by call. Waits
    // of minutes (a role that cannot be assumed yet) are the engine's.
    let mut loader: ConfigLoader = aws_config::defaults(BehaviorVersion::latest())
        .region(region.clone())
        .http_client(http.clone())
        .retry_config(
            RetryConfig::standard()
                .with_max_attempts(8)
                .with_initial_backoff(Duration::from_millis(300))
                .with_max_backoff(Duration::from_secs(20)),
        )
        .timeout_config(
            TimeoutConfig::builder()
                // The gate limits the time of an answer, because an attempt may wait for its turn.
                .connect_timeout(Duration::from_secs(5))
                .build(),
        );
    if let Some(endpoint) = &options.endpoint_url {
        loader = loader.endpoint_url(endpoint);
    }
    if options.sandbox {
        let credentials = aws_credential_types::Credentials::new("sandbox", "sandbox", None, None, "sandbox");
        return loader.credentials_provider(credentials).load().await;
    }
    if let Some(profile) = &options.profile {
        loader = loader.profile_name(profile);
    }
    // Instance metadata answers in milliseconds on an instance. Elsewhere its address swallows
    // packets, and the default four attempts would take seconds.
    let metadata = aws_config::imds::Client::builder()
        .configure(
            &aws_config::provider_config::ProviderConfig::without_region().with_http_client(http.clone()),
        )
        .max_attempts(1)
        .connect_timeout(Duration::from_millis(300))
        .read_timeout(Duration::from_millis(700))
        .build();
    let mut chain = DefaultCredentialsChain::builder()
        .region(region)
        .configure(
            aws_config::provider_config::ProviderConfig::without_region().with_http_client(http.clone()),
        )
        .imds_client(metadata);
    if let Some(profile) = &options.profile {
        chain = chain.profile_name(profile);
    }
    loader.credentials_provider(chain.build().await).load().await
}
