//! The problems that routes answer with, by what they have to do with: each route names the lists that are its own.

use apostate_api::ErrorCode;

/// Problems of whatever asks one entity.
pub(super) const OF_ENTITIES: &[ErrorCode] = &[
    ErrorCode::BadKey,
    ErrorCode::BadClientKey,
    ErrorCode::Busy,
    ErrorCode::DeadlineExceeded,
    ErrorCode::EntityBlocked,
    ErrorCode::PartitionStopped,
    ErrorCode::UnreadableState,
];

/// Problems of calls.
pub(super) const OF_CALLS: &[ErrorCode] = &[
    ErrorCode::AnswerExpired,
    ErrorCode::BadBody,
    ErrorCode::BadJson,
    ErrorCode::BadQuery,
    ErrorCode::BodyTooLarge,
    ErrorCode::ClientKeyExpired,
    ErrorCode::ClientKeyReused,
    ErrorCode::DoneEarlier,
    ErrorCode::EntityUncertain,
    ErrorCode::HandlerPanicked,
    ErrorCode::OutcomeUnknown,
    ErrorCode::RequestTimeout,
    ErrorCode::TooManyAgreements,
    ErrorCode::TooManyAsks,
    ErrorCode::TransactionTooLarge,
    ErrorCode::UnreadableReply,
    ErrorCode::UnsupportedMediaType,
];

/// Problems of reads.
pub(super) const OF_READS: &[ErrorCode] = &[
    ErrorCode::BadJson,
    ErrorCode::BadQuery,
    ErrorCode::EntityMissing,
    ErrorCode::HandlerPanicked,
    ErrorCode::TransactionTooLarge,
    ErrorCode::UnreadableReply,
];

/// Problems of lists.
pub(super) const OF_LISTS: &[ErrorCode] = &[
    ErrorCode::BadCursor,
    ErrorCode::BadQuery,
    ErrorCode::Busy,
    ErrorCode::DeadlineExceeded,
    ErrorCode::NewerFormat,
    ErrorCode::NotAcceptable,
    ErrorCode::PartitionStopped,
    ErrorCode::StoreUnreadable,
    ErrorCode::TooManyStreams,
];

/// Problems of the list of partners.
pub(super) const OF_PARTNERS: &[ErrorCode] = &[
    ErrorCode::BadCursor,
    ErrorCode::BadKey,
    ErrorCode::BadQuery,
    ErrorCode::Busy,
    ErrorCode::DeadlineExceeded,
    ErrorCode::EntityMissing,
    ErrorCode::KindMissing,
    ErrorCode::NewerFormat,
    ErrorCode::PartitionStopped,
    ErrorCode::StoreUnreadable,
    ErrorCode::TooManyStreams,
];

/// Problems of what reads parked messages or agreements.
pub(super) const OF_OPERATORS: &[ErrorCode] = &[
    ErrorCode::BadQuery,
    ErrorCode::Busy,
    ErrorCode::DeadlineExceeded,
    ErrorCode::NewerFormat,
    ErrorCode::PartitionStopped,
    ErrorCode::StoreUnreadable,
    ErrorCode::TooManyStreams,
];

/// Problems of what changes one of them.
pub(super) const OF_PARKED_CHANGED: &[ErrorCode] = &[
    ErrorCode::BadQuery,
    ErrorCode::Busy,
    ErrorCode::OutcomeUnknown,
    ErrorCode::ParkedMissing,
    ErrorCode::PartitionStopped,
];

/// Problems of what settles an operation by hand.
pub(super) const OF_SETTLING: &[ErrorCode] = &[
    ErrorCode::AgreementMissing,
    ErrorCode::BadClientKey,
    ErrorCode::CannotSettle,
    ErrorCode::ClientKeyExpired,
    ErrorCode::ClientKeyReused,
    ErrorCode::EntityBlocked,
    ErrorCode::KindMissing,
    ErrorCode::OutcomeUnknown,
    ErrorCode::UnreadableState,
];

/// Of a dismissal.
pub(super) const OF_DISMISSALS: &[ErrorCode] = &[ErrorCode::EndsOperation];

/// Problems of a retry alone: this build could not apply the message, and it stays parked.
pub(super) const OF_RETRIES: &[ErrorCode] =
    &[ErrorCode::EntityBlocked, ErrorCode::HandlerMissing, ErrorCode::KindMissing];

/// Problems of streams of messages, before the first result.
pub(super) const OF_MESSAGES: &[ErrorCode] = &[
    ErrorCode::BadProducer,
    ErrorCode::BadQuery,
    ErrorCode::Busy,
    ErrorCode::PartitionStopped,
    ErrorCode::ProducerInUse,
    ErrorCode::ProducerMissing,
    ErrorCode::TooManyStreams,
    ErrorCode::UnsupportedMediaType,
];
