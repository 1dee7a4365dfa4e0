package millrace.engine;

import java.math.BigInteger;
import java.util.List;

import software.amazon.kinesis.retrieval.AggregatorUtil;
import software.amazon.kinesis.retrieval.KinesisClientRecord;

/**
 * Leaves a producer's aggregated record as it is: the child takes it apart. Here its parts would lose the key
 * that the record was put with, by which a device is bound, and those of another shard's keys would be dropped.
 */
public final class WholeRecords extends AggregatorUtil {
    @Override
    public List<KinesisClientRecord> deaggregate(
            List<KinesisClientRecord> records, BigInteger startingHashKey, BigInteger endingHashKey) {
        return records;
    }
}
