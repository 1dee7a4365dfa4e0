package millrace.engine;

import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import software.amazon.awssdk.services.dynamodb.model.AttributeValue;
import software.amazon.kinesis.coordinator.LeaderDecider;
import software.amazon.kinesis.coordinator.Scheduler;
import software.amazon.kinesis.leases.Lease;
import software.amazon.kinesis.leases.exceptions.LeasingException;
import software.amazon.kinesis.multilang.Watch;

/**
 * How the engine ends: the leader's lock first, so that another worker leads while this one still drains; then
 * every shard's batch, checkpoint and lease; then the process, whether or not all of that has come about.
 */
final class Ending implements Watch {
    /** After a child's death the others get this long to hand over; a lease expires by itself no later. */
    private static final long AFTER_FAILURE_MILLIS = 10_000;

    private static final Logger log = LoggerFactory.getLogger("engine");

    private final long graceMillis;
    private final CountDownLatch failure = new CountDownLatch(1);
    private final AtomicBoolean begun = new AtomicBoolean();
    private volatile Scheduler handingOver;

    /** graceMillis: what an orderly end may take after a signal. */
    Ending(long graceMillis) {
        this.graceMillis = graceMillis;
    }

    @Override
    public void taken(String shard) {
        log.info("reads shard {}", shard);
    }

    @Override
    public void left(String shard, String why) {
        log.info("leaves shard {}: {}", shard, why);
    }

    @Override
    public void gone(String shard) {
        Scheduler scheduler = handingOver;
        if (scheduler != null) {
            try {
                Lease lease = scheduler.leaseCoordinator().leaseRefresher().getLease(shard);
                if (lease != null) {
                    giveBack(scheduler, lease);
                }
            } catch (LeasingException | RuntimeException error) {
                log.warn("the lease of shard {} could not be given back; it expires", shard, error);
            }
        }
    }

    @Override
    public void failed(String shard, String why) {
        if (!begun.get()) {
            log.error("shard {} failed: {}; the daemon ends, and another one takes its shards", shard, why);
        }
        failure.countDown();
    }

    /** The scheduler has come to its end, asked or not. */
    void over(String why) {
        if (!begun.get()) {
            log.error("{}; see the lines before", why);
        }
        failure.countDown();
    }

    void awaitFailure() throws InterruptedException {
        failure.await();
    }

    /** Runs as a shutdown hook, so it ends the process itself: the exit code says whether all went well. */
    void afterSignal(Scheduler scheduler) {
        if (begun.compareAndSet(false, true)) {
            log.info("told to end: hands its shards over within {} ms", graceMillis);
            halt(handOver(scheduler, graceMillis) ? 0 : 1);
        }
    }

    void afterFailure(Scheduler scheduler) throws InterruptedException {
        if (begun.compareAndSet(false, true)) {
            handOver(scheduler, AFTER_FAILURE_MILLIS);
            halt(1);
        }
        Thread.currentThread().join(); // whoever was first ends the process
    }

    private boolean handOver(Scheduler scheduler, long millis) {
        long began = System.nanoTime();
        handingOver = scheduler;
        try {
            LeaderDecider leader = scheduler.leaderDecider();
            if (leader != null) { // it is there once the scheduler has found its table
                leader.shutdown();
            }
            CompletableFuture<Boolean> over = scheduler.startGracefulShutdown();
            withdraw(scheduler);
            boolean whole = over.get(millis, TimeUnit.MILLISECONDS);
            long took = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - began);
            if (whole) {
                returnLateComers(scheduler);
            }
            if (whole) {
                log.info("handed its shards over in {} ms", took);
            } else {
                log.warn("ended after {} ms, not every shard handed over; their leases expire", took);
            }
            return whole;
        } catch (TimeoutException late) {
            log.error("not handed over within {} ms; the leases expire", millis);
        } catch (ExecutionException | InterruptedException | RuntimeException error) {
            log.error("the shards could not be handed over; the leases expire", error);
        }
        return false;
    }

    /**
     * Give back what the leader has handed to this worker meanwhile, or before it had looked. A round of the
     * leader's that began before the entry was gone is waited out; in its second look a lease that was on its way
     * here, and named two workers in the first, names one.
     */
    private static void returnLateComers(Scheduler scheduler) throws InterruptedException {
        withdraw(scheduler);
        Thread.sleep(scheduler.leaseManagementConfig().leaseAssignmentIntervalMillis() + 500);
        try {
            for (int look = 0; look < 2; look++) {
                for (Lease lease : scheduler.leaseCoordinator().leaseRefresher().listLeases()) {
                    giveBack(scheduler, lease);
                }
            }
        } catch (LeasingException error) {
            log.warn("what was handed over meanwhile could not be given back; it expires", error);
        }
    }

    /**
     * Take this worker's name off the lease, so that the leader hands it out in its next round. The library
     * stops to renew it and no more, and the others would wait until it expires.
     */
    private static void giveBack(Scheduler scheduler, Lease lease) {
        try {
            String worker = scheduler.leaseManagementConfig().workerIdentifier();
            if (worker.equals(lease.actualOwner()) || worker.equals(lease.leaseOwner())) {
                scheduler.leaseCoordinator().leaseRefresher().evictLease(lease);
            }
        } catch (LeasingException | RuntimeException error) {
            log.warn("the lease of shard {} could not be given back; it expires", lease.leaseKey(), error);
        }
    }

    /**
     * Take this worker's entry out of the table, by which the leader would hand it the shards that it has just
     * given back, until the entry is too old. The orderly end has stopped whatever would write it again.
     */
    private static void withdraw(Scheduler scheduler) {
        var leases = scheduler.leaseManagementConfig();
        Map<String, AttributeValue> entry =
                Map.of("leaseKey", AttributeValue.builder().s(leases.workerIdentifier()).build());
        leases.dynamoDBClient()
                .deleteItem(request -> request.tableName(leases.tableName()).key(entry))
                .exceptionally(error -> null) // then it grows old by itself
                .join();
    }

    private static void halt(int code) {
        // System.exit would wait for the hooks, of which this may be one. Children end as their input does.
        Runtime.getRuntime().halt(code);
    }
}
