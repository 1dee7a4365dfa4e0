package millrace.engine;

import java.io.IOException;
import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Properties;
import java.util.stream.Collectors;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import software.amazon.kinesis.coordinator.Scheduler;
import software.amazon.kinesis.multilang.MultiLangDaemonConfig;
import software.amazon.kinesis.multilang.WatchedProcessors;
import software.amazon.kinesis.multilang.config.Assembly;

/**
 * The MultiLangDaemon, with an end that is orderly for leaders as well and comes whatever happens.
 *
 * <p>Exit codes: 0 after SIGTERM when every shard was handed over; 1 when a child failed, when the engine could
 * not start or ended by itself, or when the orderly end took too long; 2 when the properties cannot be used.
 */
public final class Engine {
    private static final Logger log = LoggerFactory.getLogger("engine");

    private Engine() {}

    public static void main(String[] arguments) throws InterruptedException {
        if (arguments.length != 1) {
            System.err.println("usage: java … millrace.engine.Engine engine.properties");
            System.exit(2);
        }
        Scheduler scheduler;
        Ending ending;
        try {
            Map<String, String> given = read(Path.of(arguments[0]));
            MultiLangDaemonConfig config = new MultiLangDaemonConfig(arguments[0]);
            ending = new Ending(config.getMultiLangDaemonConfiguration().getShutdownGraceMillis());
            scheduler = Assembly.scheduler(
                    config.getMultiLangDaemonConfiguration(),
                    new WatchedProcessors(config, ending),
                    new WholeRecords(),
                    given);
            log.info(
                    "reads {} as {}, worker {}",
                    config.getMultiLangDaemonConfiguration().getStreamName(),
                    config.getMultiLangDaemonConfiguration().getApplicationName(),
                    config.getMultiLangDaemonConfiguration().getWorkerIdentifier());
        } catch (Throwable error) {
            log.error("cannot start from {}: correct what it says, or write it anew", arguments[0], error);
            System.exit(2);
            return;
        }
        Runtime.getRuntime().addShutdownHook(new Thread(() -> ending.afterSignal(scheduler), "ending"));
        Thread running = new Thread(() -> run(scheduler, ending), "scheduler");
        running.start();
        ending.awaitFailure();
        ending.afterFailure(scheduler);
    }

    private static void run(Scheduler scheduler, Ending ending) {
        try {
            scheduler.run();
            ending.over("the engine ended by itself");
        } catch (Throwable error) {
            log.error("the engine failed", error);
            ending.over("the engine failed");
        }
    }

    private static Map<String, String> read(Path file) throws IOException {
        Properties properties = new Properties();
        try (Reader reader = Files.newBufferedReader(file)) {
            properties.load(reader);
        }
        return properties.stringPropertyNames().stream()
                .collect(Collectors.toMap(name -> name, properties::getProperty));
    }
}
