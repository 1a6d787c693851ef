//! The identity at AWS: credentials, endpoint, account, and clients by region.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use aws_config::default_provider::credentials::DefaultCredentialsChain;
use aws_config::identity::IdentityCache;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::sts::AssumeRoleProvider;
use aws_config::{BehaviorVersion, ConfigLoader, Region};
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::SdkConfig;
use futures_util::future::{join, join_all};

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

/// How to reach an account besides the caller's own.
#[derive(Clone, Default)]
pub struct Access {
    /// Its name in the stack.
    pub name: String,
    /// The role to assume; without one, the account is that of the credentials.
    pub role_arn: Option<String>,
    /// The external id that the role demands.
    pub external_id: Option<String>,
    /// The name of the session.
    pub session_name: String,
    /// The lifetime of each set of credentials.
    pub lifetime: Option<Duration>,
    /// The profile whose credentials are used, instead of the caller's.
    pub profile: Option<String>,
    /// The region of its resources.
    pub region: String,
}

/// An account of the run.
pub struct Reached {
    /// Its `[aws.NAME]`; `None` for the stack's own.
    pub name: Option<String>,
    /// Its id.
    pub account_id: String,
    /// The ARN of the caller there.
    pub caller: String,
    partition: String,
    base: SdkConfig,
}

/// The contexts that were made.
type Contexts = HashMap<(Place, Option<String>, bool), Cx>;

/// The connection to AWS of one run.
pub struct Session {
    options: Options,
    gate: Gate,
    meter: Meter,
    own: Reached,
    others: Vec<Reached>,
    /// By place and the name that reaches it, and by whether each request is sent only once.
    contexts: RefCell<Contexts>,
    /// The numbers of resources read, and asked for.
    reads: Cell<(usize, usize)>,
}

impl Session {
    /// Connects and asks who the caller is.
    ///
    /// # Errors
    /// There are no credentials, the endpoint is unreachable, or STS refuses.
    pub async fn connect(options: Options, region: &str) -> Result<Self> {
        Ok(Self::connect_all(options, region, &[]).await?.0)
    }

    /// Like [`Self::connect`], and asks at the same time for the accounts to which each access leads. Also
    /// returns the errors of those that cannot be reached, by their place.
    ///
    /// # Errors
    /// The same as of [`Self::connect`].
    pub async fn connect_all(
        options: Options,
        region: &str,
        accesses: &[Access],
    ) -> Result<(Self, Vec<(usize, Error)>)> {
        let custom = options.endpoint_url.is_some()
            || std::env::vars()
                .any(|(name, value)| name.starts_with("AWS_ENDPOINT_URL") && !value.is_empty());
        let gate = Gate::new(options.http.clone(), options.sandbox, custom);
        let meter = Meter::default();
        let base = configure(&options, &gate.shared(), region).await;
        let others = join_all(accesses.iter().map(|access| async {
            let config = assume(&options, &gate, &base, access).await;
            identify(config, &gate, &meter, Some(access.name.clone())).await
        }));
        let (own, found) = join(identify(base.clone(), &gate, &meter, None), others).await;
        let own = own?;
        let (mut others, mut errors) = (Vec::new(), Vec::new());
        for (at, found) in found.into_iter().enumerate() {
            match found {
                Ok(reached) => others.push(reached),
                Err(error) => errors.push((at, error)),
            }
        }
        let session = Self {
            options,
            gate,
            meter,
            own,
            others,
            contexts: RefCell::new(HashMap::new()),
            reads: Cell::default(),
        };
        Ok((session, errors))
    }

    /// All accounts of the run, the stack's own first.
    pub fn accounts(&self) -> impl Iterator<Item = &Reached> {
        std::iter::once(&self.own).chain(&self.others)
    }

    /// How a place is reached: by its name or, if that leads elsewhere, by any other way to its account.
    fn reached(&self, place: &Place) -> Option<&Reached> {
        let account = place.account.as_ref().unwrap_or(&self.own.account_id);
        let mut named = self.others.iter().filter(|one| one.name == place.name);
        let named = named.find(|one| one.account_id == *account);
        named.or_else(|| self.accounts().find(|one| one.account_id == *account))
    }

    /// Returns whether the run has a way to the account of a place.
    pub fn reaches(&self, place: &Place) -> bool {
        self.reached(place).is_some()
    }

    /// The caller's ARN.
    pub fn caller(&self) -> &str {
        &self.own.caller
    }

    /// The account of the caller.
    pub fn account_id(&self) -> &str {
        &self.own.account_id
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

    /// The stack's own account, its partition, and `region`.
    pub fn scope(&self, region: &str) -> Scope {
        self.own.scope(region)
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
        let make = || {
            let reached = self.reached(place);
            let base = reached.map_or(&self.own.base, |reached| &reached.base);
            let mut config = base.to_builder().region(Region::new(place.region.clone()));
            if reached.is_none() {
                // A plan refuses such places before anything is asked there.
                let nobody = Nobody(place.account.clone().unwrap_or_default());
                config = config.credentials_provider(SharedCredentialsProvider::new(nobody));
            }
            if once {
                config = config.retry_config(RetryConfig::disabled());
            }
            let recorder = Recorder { audit: self.options.audit.clone(), account: place.account.clone() };
            Cx {
                aws: Rc::new(Clients::new(config.build(), self.meter.clone(), recorder)),
                scope: Scope {
                    partition: reached.unwrap_or(&self.own).partition.clone(),
                    ..self.own.scope(&place.region).at(place)
                },
                place: place.clone(),
                files: self.options.files.clone(),
            }
        };
        let key = (place.clone(), place.name.clone(), once);
        self.contexts.borrow_mut().entry(key).or_insert_with(make).clone()
    }

    /// The names of the availability zones of a place that its account may use, sorted.
    ///
    /// # Errors
    /// AWS answered with an error.
    pub async fn availability_zones(&self, place: &Place) -> Result<Vec<String>> {
        use aws_sdk_ec2::types::Filter;
        let usable = Filter::builder().name("zone-type").values("availability-zone").build();
        let answer = self.cx(place).aws.ec2().describe_availability_zones().filters(usable).send().await?;
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

impl Reached {
    /// The account, its partition, and `region`.
    pub fn scope(&self, region: &str) -> Scope {
        let (partition, account_id) = (self.partition.clone(), self.account_id.clone());
        Scope { partition, account_id, region: region.to_owned() }
    }
}

/// Credentials for an account to which no `[aws.NAME]` leads.
#[derive(Debug)]
struct Nobody(String);

impl ProvideCredentials for Nobody {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        let words = format!("no credentials lead to account {}", self.0);
        future::ProvideCredentials::ready(Err(CredentialsError::not_loaded(words)))
    }
}

/// Asks who the caller is.
async fn identify(config: SdkConfig, gate: &Gate, meter: &Meter, name: Option<String>) -> Result<Reached> {
    // The first call shows whether AWS answers at all. Only throttles are retried, so that a wrong
    // endpoint or missing credentials are reported at once.
    let impatient = aws_sdk_sts::config::Builder::from(&config)
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
    let region = config.region().map(Region::to_string).unwrap_or_default();
    let partition = caller.split(':').nth(1).filter(|part| !part.is_empty());
    let partition = partition.unwrap_or_else(|| Scope::partition_of(&region)).to_owned();
    let account_id = identity.account().unwrap_or_default().to_owned();
    let base = config.to_builder().http_client(gate.of_account(&account_id).shared()).build();
    Ok(Reached { name, account_id, caller, partition, base })
}

/// The configuration for another account. The SDK assumes its role, and again before the credentials expire.
async fn assume(options: &Options, gate: &Gate, own: &SdkConfig, access: &Access) -> SdkConfig {
    let region = Region::new(access.region.clone());
    let mut config = own.to_builder().region(region.clone()).build();
    let mut role = access.role_arn.clone();
    match &access.profile {
        // The local AWS knows no profiles: each is an account of its own.
        Some(profile) if options.sandbox => {
            role.get_or_insert_with(|| {
                format!("arn:aws:iam::{}:role/{}", sandbox_account(profile), access.name)
            });
        }
        Some(profile) => {
            let provider = ProfileFileCredentialsProvider::builder()
                .configure(
                    &ProviderConfig::without_region()
                        .with_region(Some(region.clone()))
                        .with_http_client(gate.shared()),
                )
                .profile_name(profile)
                .build();
            config = with_credentials(&config, provider);
        }
        None => {}
    }
    let (Some(role), Some(from)) = (role, config.credentials_provider()) else { return config };
    let mut assumed = AssumeRoleProvider::builder(role)
        .session_name(access.session_name.as_str())
        .region(region)
        .configure(&config);
    if let Some(external_id) = &access.external_id {
        assumed = assumed.external_id(external_id);
    }
    if let Some(lifetime) = access.lifetime {
        assumed = assumed.session_length(lifetime);
    }
    let assumed = assumed.build_from_provider(from).await;
    with_credentials(&config, assumed)
}

fn with_credentials(config: &SdkConfig, provider: impl ProvideCredentials + 'static) -> SdkConfig {
    // One cache for the clients of all services and regions, which would each assume the role otherwise.
    config
        .to_builder()
        .credentials_provider(SharedCredentialsProvider::new(provider))
        .identity_cache(IdentityCache::lazy().build())
        .build()
}

/// The account at the local AWS that stands for that of a profile.
fn sandbox_account(profile: &str) -> String {
    let sum = profile.bytes().fold(0_u64, |sum, byte| (sum * 31 + u64::from(byte)) % 99_999_999_999);
    format!("9{sum:011}")
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
