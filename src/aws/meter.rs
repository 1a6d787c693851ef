//! Counts all requests sent, retries included, for the line of calls that a plan prints.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::{
    AfterDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextRef,
};
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

use super::answer;

/// The calls of a run, by service and operation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallCounts {
    /// Requests sent, by `(service, operation)` as AWS names them.
    pub calls: BTreeMap<(String, String), u64>,
    /// Throttled requests.
    pub throttled: u64,
}

impl CallCounts {
    /// The number of all requests.
    pub fn total(&self) -> u64 {
        self.calls.values().sum()
    }

    /// Requests by service, highest first.
    pub fn by_service(&self) -> Vec<(String, u64)> {
        let mut services: BTreeMap<&str, u64> = BTreeMap::new();
        for ((service, _), count) in &self.calls {
            *services.entry(service).or_default() += count;
        }
        let mut services: Vec<_> =
            services.into_iter().map(|(service, count)| (service.to_owned(), count)).collect();
        services.sort_by(|left, right| right.1.cmp(&left.1).then_with(|| left.0.cmp(&right.0)));
        services
    }
}

/// An interceptor that fills the [`CallCounts`]; clones share one count.
#[derive(Clone, Debug, Default)]
pub struct Meter(Arc<Mutex<CallCounts>>);

impl Meter {
    /// The counts so far.
    pub fn call_counts(&self) -> CallCounts {
        self.lock().clone()
    }

    // Counting continues after a panic elsewhere, since a count cannot be half written.
    fn lock(&self) -> std::sync::MutexGuard<'_, CallCounts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint]
impl Intercept for Meter {
    fn name(&self) -> &'static str {
        "Meter"
    }

    fn read_before_transmit(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(metadata) = config.load::<Metadata>() {
            tracing::debug!(service = metadata.service(), operation = metadata.name(), "request");
            let key = (metadata.service().to_owned(), metadata.name().to_owned());
            *self.lock().calls.entry(key).or_default() += 1;
        }
        Ok(())
    }

    // No earlier: most services name the error in the body, which has only been read now.
    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        // The gate before the network has read the bodies of errors into memory.
        if answer::is_throttle(context.response()) {
            self.lock().throttled += 1;
        }
        Ok(())
    }
}
