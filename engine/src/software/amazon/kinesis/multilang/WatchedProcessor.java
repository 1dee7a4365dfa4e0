package software.amazon.kinesis.multilang;

import java.io.IOException;
import java.util.concurrent.ExecutorService;

import com.fasterxml.jackson.databind.ObjectMapper;
import software.amazon.kinesis.lifecycle.events.InitializationInput;
import software.amazon.kinesis.lifecycle.events.LeaseLostInput;
import software.amazon.kinesis.lifecycle.events.ShardEndedInput;
import software.amazon.kinesis.multilang.config.MultiLangDaemonConfiguration;

/**
 * A shard's child that is missed when it ends before it was told to, and not first at its next records.
 *
 * <p>Where the MultiLangDaemon would end the JVM from the shard's own thread, this one says so and goes on: a
 * thread that waits in System.exit would keep the orderly end, which runs meanwhile, from ever coming to it.
 * Nothing is lost by going on, since only the child takes a checkpoint.
 */
final class WatchedProcessor extends MultiLangShardRecordProcessor {
    private final Watch watch;
    private volatile String shard = "";
    private volatile boolean ending;

    WatchedProcessor(
            ProcessBuilder builder,
            ExecutorService executor,
            ObjectMapper mapper,
            MultiLangDaemonConfiguration configuration,
            Watch watch) {
        super(builder, executor, mapper, configuration);
        this.watch = watch;
    }

    @Override
    public void initialize(InitializationInput input) {
        shard = input.shardId();
        super.initialize(input);
        if (!ending) {
            watch.taken(shard);
        }
    }

    @Override
    public void leaseLost(LeaseLostInput input) {
        ending = true;
        watch.left(shard, "the lease is another worker's, or given back");
        super.leaseLost(input);
        watch.gone(shard);
    }

    @Override
    public void shardEnded(ShardEndedInput input) {
        ending = true;
        watch.left(shard, "the shard has ended");
        super.shardEnded(input);
    }

    @Override
    Process startProcess() throws IOException {
        Process child = super.startProcess();
        child.onExit().thenAccept(ended -> {
            if (!ending) {
                watch.failed(shard, "its child ended with code " + ended.exitValue());
            }
        });
        return child;
    }

    @Override
    void exit() {
        ending = true;
        watch.failed(shard, "it cannot be processed by its child");
    }
}
