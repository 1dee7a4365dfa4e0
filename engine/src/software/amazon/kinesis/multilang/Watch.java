package software.amazon.kinesis.multilang;

/** Who is told of each shard, from that shard's own thread. */
public interface Watch {
    /** Its child has answered, and gets its records from now on. */
    void taken(String shard);

    /** Its child is told to end. */
    void left(String shard, String why);

    /** That child has ended; the lease is lost to somebody, or given back in memory alone. */
    void gone(String shard);

    /** It has no child that could go on, so the whole daemon has to end. Comes once or more for one shard. */
    void failed(String shard, String why);
}
