package software.amazon.kinesis.multilang;

import java.util.concurrent.ExecutorService;

import com.fasterxml.jackson.databind.ObjectMapper;
import software.amazon.kinesis.multilang.config.MultiLangDaemonConfiguration;
import software.amazon.kinesis.processor.ShardRecordProcessor;
import software.amazon.kinesis.processor.ShardRecordProcessorFactory;

/** A child for each shard, as MultiLangRecordProcessorFactory makes them, but watched. */
public final class WatchedProcessors implements ShardRecordProcessorFactory {
    private final String[] command;
    private final ExecutorService executor;
    private final MultiLangDaemonConfiguration configuration;
    private final Watch watch;
    private final ObjectMapper mapper = new ObjectMapper();

    public WatchedProcessors(MultiLangDaemonConfig config, Watch watch) {
        this.command = config.getRecordProcessorFactory().getCommandArray();
        this.executor = config.getExecutorService();
        this.configuration = config.getMultiLangDaemonConfiguration();
        this.watch = watch;
    }

    @Override
    public ShardRecordProcessor shardRecordProcessor() {
        // A child's standard error holds log lines that are whole already: they go where this process's go.
        ProcessBuilder builder = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT);
        return new WatchedProcessor(builder, executor, mapper, configuration, watch);
    }
}
