-- Raw telemetry, with the column names of the OpenTelemetry Collector's ClickHouse exporter,
-- so that Grafana's OpenTelemetry mode and existing queries work unchanged.

CREATE TABLE IF NOT EXISTS otel_traces ${ON_CLUSTER}
(
    ProjectId LowCardinality(String) COMMENT 'Project that the API key belongs to',
    ReceivedAt DateTime('UTC') COMMENT 'When ingest accepted the record; partitions and retention follow it, so that late data opens no old partition',
    Timestamp DateTime64(9, 'UTC') COMMENT 'Start of the span',
    TraceId String COMMENT '32 hex digits',
    SpanId String COMMENT '16 hex digits',
    ParentSpanId String COMMENT '16 hex digits, empty for a root span',
    TraceState String COMMENT 'W3C trace state',
    SpanName LowCardinality(String) COMMENT 'Name of the span',
    SpanKind LowCardinality(String) COMMENT 'Unspecified, Internal, Server, Client, Producer or Consumer',
    ServiceName LowCardinality(String) COMMENT 'Resource attribute service.name',
    ResourceAttributes Map(LowCardinality(String), String) COMMENT 'Resource attributes; arrays and maps as JSON text',
    ResourceSchemaUrl LowCardinality(String) COMMENT 'Schema URL of the resource',
    ScopeName LowCardinality(String) COMMENT 'Name of the instrumentation scope',
    ScopeVersion LowCardinality(String) COMMENT 'Version of the instrumentation scope',
    ScopeAttributes Map(LowCardinality(String), String) COMMENT 'Attributes of the instrumentation scope',
    ScopeDroppedAttrCount UInt32 COMMENT 'Attributes of the scope that the sender dropped',
    ScopeSchemaUrl LowCardinality(String) COMMENT 'Schema URL of the scope',
    RunId String COMMENT 'Job run ID YYMMDD-HHMMSS (rollcall.run.id), empty outside a run',
    JobName LowCardinality(String) COMMENT 'Job (rollcall.job.name)',
    ClientId String COMMENT 'Client (rollcall.client.id), empty on telemetry of the job run itself',
    SpanAttributes Map(LowCardinality(String), String) COMMENT 'Span attributes; arrays and maps as JSON text',
    SpanDroppedAttributesCount UInt32 COMMENT 'Attributes that the sender dropped',
    SpanFlags UInt32 COMMENT 'Span flags; the low eight bits are the W3C trace flags',
    Duration UInt64 COMMENT 'End minus start, nanoseconds; 0 where the end is before the start',
    StatusCode LowCardinality(String) COMMENT 'Unset, Ok or Error',
    StatusMessage String COMMENT 'Message of the status',
    `Events.Timestamp` Array(DateTime64(9, 'UTC')) COMMENT 'Time of each span event',
    `Events.Name` Array(LowCardinality(String)) COMMENT 'Name of each span event',
    `Events.Attributes` Array(Map(LowCardinality(String), String)) COMMENT 'Attributes of each span event',
    `Events.DroppedAttributesCount` Array(UInt32) COMMENT 'Attributes dropped from each span event',
    EventsDroppedCount UInt32 COMMENT 'Span events that the sender dropped',
    `Links.TraceId` Array(String) COMMENT 'Trace ID of each link',
    `Links.SpanId` Array(String) COMMENT 'Span ID of each link',
    `Links.TraceState` Array(String) COMMENT 'Trace state of each link',
    `Links.Attributes` Array(Map(LowCardinality(String), String)) COMMENT 'Attributes of each link',
    `Links.DroppedAttributesCount` Array(UInt32) COMMENT 'Attributes dropped from each link',
    `Links.Flags` Array(UInt32) COMMENT 'Flags of each link',
    LinksDroppedCount UInt32 COMMENT 'Links that the sender dropped'
)
ENGINE = ${REPLICATED}MergeTree
PARTITION BY toMonday(ReceivedAt)
ORDER BY (ProjectId, ServiceName, SpanName, toDateTime(Timestamp), TraceId)
TTL ReceivedAt + INTERVAL ${RAW_RETENTION_DAYS} DAY
SETTINGS non_replicated_deduplication_window = 1000, ttl_only_drop_parts = 1
COMMENT 'OTLP spans, one row each';

CREATE TABLE IF NOT EXISTS otel_logs ${ON_CLUSTER}
(
    ProjectId LowCardinality(String) COMMENT 'Project that the API key belongs to',
    ReceivedAt DateTime('UTC') COMMENT 'When ingest accepted the record; partitions and retention follow it, so that late data opens no old partition',
    Timestamp DateTime64(9, 'UTC') COMMENT 'Time of the event; the observed time where the sender gave none',
    ObservedTimestamp DateTime64(9, 'UTC') COMMENT 'When the record was observed',
    TraceId String COMMENT '32 hex digits, empty outside a trace',
    SpanId String COMMENT '16 hex digits, empty outside a span',
    TraceFlags UInt32 COMMENT 'Flags of the record; the low eight bits are the W3C trace flags',
    SeverityText LowCardinality(String) COMMENT 'Severity in the words of the source',
    SeverityNumber UInt8 COMMENT 'OpenTelemetry severity, 1 to 24, 0 where unknown',
    EventName LowCardinality(String) COMMENT 'Name of the event, empty for a plain log record',
    Body String COMMENT 'Body; arrays and maps as JSON text',
    ServiceName LowCardinality(String) COMMENT 'Resource attribute service.name',
    ResourceAttributes Map(LowCardinality(String), String) COMMENT 'Resource attributes; arrays and maps as JSON text',
    ResourceSchemaUrl LowCardinality(String) COMMENT 'Schema URL of the resource',
    ScopeName LowCardinality(String) COMMENT 'Name of the instrumentation scope',
    ScopeVersion LowCardinality(String) COMMENT 'Version of the instrumentation scope',
    ScopeAttributes Map(LowCardinality(String), String) COMMENT 'Attributes of the instrumentation scope',
    ScopeDroppedAttrCount UInt32 COMMENT 'Attributes of the scope that the sender dropped',
    ScopeSchemaUrl LowCardinality(String) COMMENT 'Schema URL of the scope',
    RunId String COMMENT 'Job run ID YYMMDD-HHMMSS (rollcall.run.id), empty outside a run',
    JobName LowCardinality(String) COMMENT 'Job (rollcall.job.name)',
    ClientId String COMMENT 'Client (rollcall.client.id), empty on telemetry of the job run itself',
    LogAttributes Map(LowCardinality(String), String) COMMENT 'Attributes of the record; arrays and maps as JSON text',
    DroppedAttributesCount UInt32 COMMENT 'Attributes that the sender dropped'
)
ENGINE = ${REPLICATED}MergeTree
PARTITION BY toMonday(ReceivedAt)
ORDER BY (ProjectId, ServiceName, toDateTime(Timestamp), Timestamp)
TTL ReceivedAt + INTERVAL ${RAW_RETENTION_DAYS} DAY
SETTINGS non_replicated_deduplication_window = 1000, ttl_only_drop_parts = 1
COMMENT 'OTLP log records and events, one row each';

CREATE TABLE IF NOT EXISTS otel_metrics_gauge ${ON_CLUSTER}
(
    ProjectId LowCardinality(String) COMMENT 'Project that the API key belongs to',
    ReceivedAt DateTime('UTC') COMMENT 'When ingest accepted the record; partitions and retention follow it, so that late data opens no old partition',
    MetricName LowCardinality(String) COMMENT 'Name of the metric',
    MetricDescription LowCardinality(String) COMMENT 'Description of the metric',
    MetricUnit LowCardinality(String) COMMENT 'UCUM unit of the metric',
    MetricMetadata Map(LowCardinality(String), String) COMMENT 'Metadata of the metric',
    StartTimeUnix DateTime64(9, 'UTC') COMMENT 'Start of the accumulation, 1970 where unknown',
    TimeUnix DateTime64(9, 'UTC') COMMENT 'Time of the point',
    ServiceName LowCardinality(String) COMMENT 'Resource attribute service.name',
    ResourceAttributes Map(LowCardinality(String), String) COMMENT 'Resource attributes; arrays and maps as JSON text',
    ResourceSchemaUrl LowCardinality(String) COMMENT 'Schema URL of the resource',
    ScopeName LowCardinality(String) COMMENT 'Name of the instrumentation scope',
    ScopeVersion LowCardinality(String) COMMENT 'Version of the instrumentation scope',
    ScopeAttributes Map(LowCardinality(String), String) COMMENT 'Attributes of the instrumentation scope',
    ScopeDroppedAttrCount UInt32 COMMENT 'Attributes of the scope that the sender dropped',
    ScopeSchemaUrl LowCardinality(String) COMMENT 'Schema URL of the scope',
    RunId String COMMENT 'Job run ID YYMMDD-HHMMSS (rollcall.run.id), empty outside a run',
    JobName LowCardinality(String) COMMENT 'Job (rollcall.job.name)',
    ClientId String COMMENT 'Client (rollcall.client.id), empty on telemetry of the job run itself',
    Attributes Map(LowCardinality(String), String) COMMENT 'Attributes of the point; arrays and maps as JSON text',
    Flags UInt32 COMMENT 'Flags of the point; 1 says that no value was recorded',
    Value Float64 COMMENT 'Value of the point',
    `Exemplars.FilteredAttributes` Array(Map(LowCardinality(String), String)) COMMENT 'Attributes of each exemplar',
    `Exemplars.TimeUnix` Array(DateTime64(9, 'UTC')) COMMENT 'Time of each exemplar',
    `Exemplars.Value` Array(Float64) COMMENT 'Value of each exemplar',
    `Exemplars.SpanId` Array(String) COMMENT 'Span of each exemplar',
    `Exemplars.TraceId` Array(String) COMMENT 'Trace of each exemplar'
)
ENGINE = ${REPLICATED}MergeTree
PARTITION BY toMonday(ReceivedAt)
ORDER BY (ProjectId, ServiceName, MetricName, RunId, toDateTime(TimeUnix))
TTL ReceivedAt + INTERVAL ${RAW_RETENTION_DAYS} DAY
SETTINGS non_replicated_deduplication_window = 1000, ttl_only_drop_parts = 1
COMMENT 'OTLP gauge points, one row each';

CREATE TABLE IF NOT EXISTS otel_metrics_sum ${ON_CLUSTER}
(
    ProjectId LowCardinality(String) COMMENT 'Project that the API key belongs to',
    ReceivedAt DateTime('UTC') COMMENT 'When ingest accepted the record; partitions and retention follow it, so that late data opens no old partition',
    MetricName LowCardinality(String) COMMENT 'Name of the metric',
    MetricDescription LowCardinality(String) COMMENT 'Description of the metric',
    MetricUnit LowCardinality(String) COMMENT 'UCUM unit of the metric',
    MetricMetadata Map(LowCardinality(String), String) COMMENT 'Metadata of the metric',
    StartTimeUnix DateTime64(9, 'UTC') COMMENT 'Start of the accumulation, 1970 where unknown',
    TimeUnix DateTime64(9, 'UTC') COMMENT 'Time of the point',
    ServiceName LowCardinality(String) COMMENT 'Resource attribute service.name',
    ResourceAttributes Map(LowCardinality(String), String) COMMENT 'Resource attributes; arrays and maps as JSON text',
    ResourceSchemaUrl LowCardinality(String) COMMENT 'Schema URL of the resource',
    ScopeName LowCardinality(String) COMMENT 'Name of the instrumentation scope',
    ScopeVersion LowCardinality(String) COMMENT 'Version of the instrumentation scope',
    ScopeAttributes Map(LowCardinality(String), String) COMMENT 'Attributes of the instrumentation scope',
    ScopeDroppedAttrCount UInt32 COMMENT 'Attributes of the scope that the sender dropped',
    ScopeSchemaUrl LowCardinality(String) COMMENT 'Schema URL of the scope',
    RunId String COMMENT 'Job run ID YYMMDD-HHMMSS (rollcall.run.id), empty outside a run',
    JobName LowCardinality(String) COMMENT 'Job (rollcall.job.name)',
    ClientId String COMMENT 'Client (rollcall.client.id), empty on telemetry of the job run itself',
    Attributes Map(LowCardinality(String), String) COMMENT 'Attributes of the point; arrays and maps as JSON text',
    Flags UInt32 COMMENT 'Flags of the point; 1 says that no value was recorded',
    Value Float64 COMMENT 'Value of the point',
    AggregationTemporality Int32 COMMENT '0 unspecified, 1 delta, 2 cumulative',
    IsMonotonic Bool COMMENT 'Whether the sum never falls',
    `Exemplars.FilteredAttributes` Array(Map(LowCardinality(String), String)) COMMENT 'Attributes of each exemplar',
    `Exemplars.TimeUnix` Array(DateTime64(9, 'UTC')) COMMENT 'Time of each exemplar',
    `Exemplars.Value` Array(Float64) COMMENT 'Value of each exemplar',
    `Exemplars.SpanId` Array(String) COMMENT 'Span of each exemplar',
    `Exemplars.TraceId` Array(String) COMMENT 'Trace of each exemplar'
)
ENGINE = ${REPLICATED}MergeTree
PARTITION BY toMonday(ReceivedAt)
ORDER BY (ProjectId, ServiceName, MetricName, RunId, toDateTime(TimeUnix))
TTL ReceivedAt + INTERVAL ${RAW_RETENTION_DAYS} DAY
SETTINGS non_replicated_deduplication_window = 1000, ttl_only_drop_parts = 1
COMMENT 'OTLP sum points, one row each';

CREATE TABLE IF NOT EXISTS otel_metrics_histogram ${ON_CLUSTER}
(
    ProjectId LowCardinality(String) COMMENT 'Project that the API key belongs to',
    ReceivedAt DateTime('UTC') COMMENT 'When ingest accepted the record; partitions and retention follow it, so that late data opens no old partition',
    MetricName LowCardinality(String) COMMENT 'Name of the metric',
    MetricDescription LowCardinality(String) COMMENT 'Description of the metric',
    MetricUnit LowCardinality(String) COMMENT 'UCUM unit of the metric',
    MetricMetadata Map(LowCardinality(String), String) COMMENT 'Metadata of the metric',
    StartTimeUnix DateTime64(9, 'UTC') COMMENT 'Start of the accumulation, 1970 where unknown',
    TimeUnix DateTime64(9, 'UTC') COMMENT 'Time of the point',
    ServiceName LowCardinality(String) COMMENT 'Resource attribute service.name',
    ResourceAttributes Map(LowCardinality(String), String) COMMENT 'Resource attributes; arrays and maps as JSON text',
    ResourceSchemaUrl LowCardinality(String) COMMENT 'Schema URL of the resource',
    ScopeName LowCardinality(String) COMMENT 'Name of the instrumentation scope',
    ScopeVersion LowCardinality(String) COMMENT 'Version of the instrumentation scope',
    ScopeAttributes Map(LowCardinality(String), String) COMMENT 'Attributes of the instrumentation scope',
    ScopeDroppedAttrCount UInt32 COMMENT 'Attributes of the scope that the sender dropped',
    ScopeSchemaUrl LowCardinality(String) COMMENT 'Schema URL of the scope',
    RunId String COMMENT 'Job run ID YYMMDD-HHMMSS (rollcall.run.id), empty outside a run',
    JobName LowCardinality(String) COMMENT 'Job (rollcall.job.name)',
    ClientId String COMMENT 'Client (rollcall.client.id), empty on telemetry of the job run itself',
    Attributes Map(LowCardinality(String), String) COMMENT 'Attributes of the point; arrays and maps as JSON text',
    Flags UInt32 COMMENT 'Flags of the point; 1 says that no value was recorded',
    Count UInt64 COMMENT 'Number of values',
    Sum Nullable(Float64) COMMENT 'Sum of the values',
    BucketCounts Array(UInt64) COMMENT 'Values in each bucket',
    ExplicitBounds Array(Float64) COMMENT 'Upper bounds of the buckets',
    Min Nullable(Float64) COMMENT 'Smallest value',
    Max Nullable(Float64) COMMENT 'Largest value',
    AggregationTemporality Int32 COMMENT '0 unspecified, 1 delta, 2 cumulative',
    `Exemplars.FilteredAttributes` Array(Map(LowCardinality(String), String)) COMMENT 'Attributes of each exemplar',
    `Exemplars.TimeUnix` Array(DateTime64(9, 'UTC')) COMMENT 'Time of each exemplar',
    `Exemplars.Value` Array(Float64) COMMENT 'Value of each exemplar',
    `Exemplars.SpanId` Array(String) COMMENT 'Span of each exemplar',
    `Exemplars.TraceId` Array(String) COMMENT 'Trace of each exemplar'
)
ENGINE = ${REPLICATED}MergeTree
PARTITION BY toMonday(ReceivedAt)
ORDER BY (ProjectId, ServiceName, MetricName, RunId, toDateTime(TimeUnix))
TTL ReceivedAt + INTERVAL ${RAW_RETENTION_DAYS} DAY
SETTINGS non_replicated_deduplication_window = 1000, ttl_only_drop_parts = 1
COMMENT 'OTLP histogram points, one row each';

CREATE TABLE IF NOT EXISTS otel_metrics_exponential_histogram ${ON_CLUSTER}
(
    ProjectId LowCardinality(String) COMMENT 'Project that the API key belongs to',
    ReceivedAt DateTime('UTC') COMMENT 'When ingest accepted the record; partitions and retention follow it, so that late data opens no old partition',
    MetricName LowCardinality(String) COMMENT 'Name of the metric',
    MetricDescription LowCardinality(String) COMMENT 'Description of the metric',
    MetricUnit LowCardinality(String) COMMENT 'UCUM unit of the metric',
    MetricMetadata Map(LowCardinality(String), String) COMMENT 'Metadata of the metric',
    StartTimeUnix DateTime64(9, 'UTC') COMMENT 'Start of the accumulation, 1970 where unknown',
    TimeUnix DateTime64(9, 'UTC') COMMENT 'Time of the point',
    ServiceName LowCardinality(String) COMMENT 'Resource attribute service.name',
    ResourceAttributes Map(LowCardinality(String), String) COMMENT 'Resource attributes; arrays and maps as JSON text',
    ResourceSchemaUrl LowCardinality(String) COMMENT 'Schema URL of the resource',
    ScopeName LowCardinality(String) COMMENT 'Name of the instrumentation scope',
    ScopeVersion LowCardinality(String) COMMENT 'Version of the instrumentation scope',
    ScopeAttributes Map(LowCardinality(String), String) COMMENT 'Attributes of the instrumentation scope',
    ScopeDroppedAttrCount UInt32 COMMENT 'Attributes of the scope that the sender dropped',
    ScopeSchemaUrl LowCardinality(String) COMMENT 'Schema URL of the scope',
    RunId String COMMENT 'Job run ID YYMMDD-HHMMSS (rollcall.run.id), empty outside a run',
    JobName LowCardinality(String) COMMENT 'Job (rollcall.job.name)',
    ClientId String COMMENT 'Client (rollcall.client.id), empty on telemetry of the job run itself',
    Attributes Map(LowCardinality(String), String) COMMENT 'Attributes of the point; arrays and maps as JSON text',
    Flags UInt32 COMMENT 'Flags of the point; 1 says that no value was recorded',
    Count UInt64 COMMENT 'Number of values',
    Sum Nullable(Float64) COMMENT 'Sum of the values',
    Scale Int32 COMMENT 'Scale of the buckets',
    ZeroCount UInt64 COMMENT 'Values in the zero bucket',
    ZeroThreshold Float64 COMMENT 'Half width of the zero bucket',
    PositiveOffset Int32 COMMENT 'Index of the first positive bucket',
    PositiveBucketCounts Array(UInt64) COMMENT 'Values in each positive bucket',
    NegativeOffset Int32 COMMENT 'Index of the first negative bucket',
    NegativeBucketCounts Array(UInt64) COMMENT 'Values in each negative bucket',
    Min Nullable(Float64) COMMENT 'Smallest value',
    Max Nullable(Float64) COMMENT 'Largest value',
    AggregationTemporality Int32 COMMENT '0 unspecified, 1 delta, 2 cumulative',
    `Exemplars.FilteredAttributes` Array(Map(LowCardinality(String), String)) COMMENT 'Attributes of each exemplar',
    `Exemplars.TimeUnix` Array(DateTime64(9, 'UTC')) COMMENT 'Time of each exemplar',
    `Exemplars.Value` Array(Float64) COMMENT 'Value of each exemplar',
    `Exemplars.SpanId` Array(String) COMMENT 'Span of each exemplar',
    `Exemplars.TraceId` Array(String) COMMENT 'Trace of each exemplar'
)
ENGINE = ${REPLICATED}MergeTree
PARTITION BY toMonday(ReceivedAt)
ORDER BY (ProjectId, ServiceName, MetricName, RunId, toDateTime(TimeUnix))
TTL ReceivedAt + INTERVAL ${RAW_RETENTION_DAYS} DAY
SETTINGS non_replicated_deduplication_window = 1000, ttl_only_drop_parts = 1
COMMENT 'OTLP exponential histogram points, one row each';

CREATE TABLE IF NOT EXISTS otel_metrics_summary ${ON_CLUSTER}
(
    ProjectId LowCardinality(String) COMMENT 'Project that the API key belongs to',
    ReceivedAt DateTime('UTC') COMMENT 'When ingest accepted the record; partitions and retention follow it, so that late data opens no old partition',
    MetricName LowCardinality(String) COMMENT 'Name of the metric',
    MetricDescription LowCardinality(String) COMMENT 'Description of the metric',
    MetricUnit LowCardinality(String) COMMENT 'UCUM unit of the metric',
    MetricMetadata Map(LowCardinality(String), String) COMMENT 'Metadata of the metric',
    StartTimeUnix DateTime64(9, 'UTC') COMMENT 'Start of the accumulation, 1970 where unknown',
    TimeUnix DateTime64(9, 'UTC') COMMENT 'Time of the point',
    ServiceName LowCardinality(String) COMMENT 'Resource attribute service.name',
    ResourceAttributes Map(LowCardinality(String), String) COMMENT 'Resource attributes; arrays and maps as JSON text',
    ResourceSchemaUrl LowCardinality(String) COMMENT 'Schema URL of the resource',
    ScopeName LowCardinality(String) COMMENT 'Name of the instrumentation scope',
    ScopeVersion LowCardinality(String) COMMENT 'Version of the instrumentation scope',
    ScopeAttributes Map(LowCardinality(String), String) COMMENT 'Attributes of the instrumentation scope',
    ScopeDroppedAttrCount UInt32 COMMENT 'Attributes of the scope that the sender dropped',
    ScopeSchemaUrl LowCardinality(String) COMMENT 'Schema URL of the scope',
    RunId String COMMENT 'Job run ID YYMMDD-HHMMSS (rollcall.run.id), empty outside a run',
    JobName LowCardinality(String) COMMENT 'Job (rollcall.job.name)',
    ClientId String COMMENT 'Client (rollcall.client.id), empty on telemetry of the job run itself',
    Attributes Map(LowCardinality(String), String) COMMENT 'Attributes of the point; arrays and maps as JSON text',
    Flags UInt32 COMMENT 'Flags of the point; 1 says that no value was recorded',
    Count UInt64 COMMENT 'Number of values',
    Sum Float64 COMMENT 'Sum of the values',
    `ValueAtQuantiles.Quantile` Array(Float64) COMMENT 'Quantiles, 0 to 1',
    `ValueAtQuantiles.Value` Array(Float64) COMMENT 'Value at each quantile'
)
ENGINE = ${REPLICATED}MergeTree
PARTITION BY toMonday(ReceivedAt)
ORDER BY (ProjectId, ServiceName, MetricName, RunId, toDateTime(TimeUnix))
TTL ReceivedAt + INTERVAL ${RAW_RETENTION_DAYS} DAY
SETTINGS non_replicated_deduplication_window = 1000, ttl_only_drop_parts = 1
COMMENT 'OTLP summary points, one row each';

