package software.amazon.kinesis.multilang.config;

import java.util.Map;
import java.util.TreeMap;
import java.util.function.LongConsumer;

import software.amazon.kinesis.coordinator.Scheduler;
import software.amazon.kinesis.leases.LeaseAssignmentStrategy;
import software.amazon.kinesis.multilang.config.MultiLangDaemonConfiguration.ResolvedConfiguration;
import software.amazon.kinesis.processor.ShardRecordProcessorFactory;
import software.amazon.kinesis.retrieval.AggregatorUtil;
import software.amazon.kinesis.retrieval.polling.PollingConfig;

/**
 * The scheduler that the MultiLangDaemon would build, with what its properties have no word for.
 *
 * <p>It stands in the library's package because what the properties resolve to is visible there alone. Each
 * name is the library's own for the same thing, so that engine.properties reads as one file; the
 * MultiLangDaemon passes over names that it does not know.
 */
public final class Assembly {
    private Assembly() {}

    /**
     * A scheduler that has not been started.
     *
     * @param records what becomes of aggregated records before a child gets them
     * @param given the whole of engine.properties, of which only this class's own names are read
     * @throws IllegalArgumentException for a value that is not allowed, with the name
     */
    public static Scheduler scheduler(
            MultiLangDaemonConfiguration configuration,
            ShardRecordProcessorFactory factory,
            AggregatorUtil records,
            Map<String, String> given) {
        ResolvedConfiguration resolved = configuration.resolvedConfiguration(factory);
        setters(resolved).forEach((name, setter) -> {
            if (given.containsKey(name)) {
                setter.accept(number(name, given.get(name)));
            }
        });
        String strategy = given.get("leaseAssignmentStrategy");
        if (strategy != null) {
            resolved.getLeaseManagementConfig().leaseAssignmentStrategy(LeaseAssignmentStrategy.valueOf(strategy));
        }
        resolved.getLifecycleConfig().aggregatorUtil(records);
        return resolved.build();
    }

    private static Map<String, LongConsumer> setters(ResolvedConfiguration resolved) {
        var leases = resolved.getLeaseManagementConfig();
        var coordinator = resolved.getCoordinatorConfig();
        Map<String, LongConsumer> setters = new TreeMap<>();
        setters.put(
                "dynamoDbLockBasedLeaderLeaseDurationInMillis",
                leases::dynamoDbLockBasedLeaderLeaseDurationInMillis);
        setters.put(
                "dynamoDbLockBasedLeaderHeartbeatPeriodInMillis",
                leases::dynamoDbLockBasedLeaderHeartbeatPeriodInMillis);
        setters.put(
                "leasesRecoveryAuditorExecutionFrequencyMillis",
                leases::leasesRecoveryAuditorExecutionFrequencyMillis);
        setters.put("shardConsumerDispatchPollIntervalMillis", coordinator::shardConsumerDispatchPollIntervalMillis);
        if (resolved.getRetrievalConfig().retrievalSpecificConfig() instanceof PollingConfig polling) {
            setters.put(
                    "maxPendingProcessRecordsInput",
                    value -> polling.maxPendingProcessRecordsInput(Math.toIntExact(value)));
            setters.put(
                    "maxByteSize", value -> polling.recordsFetcherFactory().maxByteSize(Math.toIntExact(value)));
        }
        return setters;
    }

    private static long number(String name, String text) {
        try {
            long value = Long.parseLong(text.strip());
            if (value > 0) {
                return value;
            }
        } catch (NumberFormatException none) {
            // said below
        }
        throw new IllegalArgumentException(name + "=" + text + ": must be a whole number above 0");
    }
}
