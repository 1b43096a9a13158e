import de.bwaldvogel.mongo.MongoCollection;
import de.bwaldvogel.mongo.MongoServer;
import de.bwaldvogel.mongo.MongoVersion;
import de.bwaldvogel.mongo.backend.Cursor;
import de.bwaldvogel.mongo.backend.aggregation.Aggregation;
import de.bwaldvogel.mongo.backend.memory.MemoryBackend;
import de.bwaldvogel.mongo.bson.BsonTimestamp;
import de.bwaldvogel.mongo.bson.Document;
import de.bwaldvogel.mongo.exception.MongoServerError;
import de.bwaldvogel.mongo.oplog.Oplog;
import de.bwaldvogel.mongo.wire.message.MongoMessage;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Date;
import java.util.List;

/**
 * A server for tests that keeps its data in memory: types, upserts and change streams, but no sessions and no transactions. Its log and
 * its change streams are as MongoDB documents them; tests make it fail by configureFailPoint, and forget its log by forgetHistory.
 */
class MemoryServer extends MemoryBackend {
  private Log log;
  private Document failure;

  public static void main(String[] args) {
    MemoryServer backend = new MemoryServer();
    backend.version(new MongoVersion() {
      public List<Integer> getVersionArray() { return List.of(7, 0, 0); }
      public int getWireVersion() { return 21; }
    });
    MongoServer server = new MongoServer(backend);
    server.enableOplog();
    server.bind("127.0.0.1", Integer.parseInt(args[0]));
  }

  @Override
  protected Oplog createOplog() {
    log = new Log();
    return log;
  }

  /** The server would log all documents of the command, but a refused one is no change; it would also go on after one by default. */
  private Document insert(MongoMessage message, Document command) {
    command.putIfAbsent("ordered", true);
    log.collect();
    List<Runnable> changes;
    Document answer;
    try {
      answer = super.handleMessage(message);
    } finally {
      changes = log.collected();
    }
    List<Integer> refused = new ArrayList<>();
    if (answer.get("writeErrors") instanceof List<?> errors)
      for (Object each : errors) refused.add(((Number) ((Document) each).get("index")).intValue());
    boolean isOrdered = !Boolean.FALSE.equals(command.get("ordered"));
    int end = isOrdered && !refused.isEmpty() ? refused.get(0) : changes.size();
    for (int index = 0; index < end; index++) if (!refused.contains(index)) changes.get(index).run();
    return answer;
  }

  @Override
  public Document handleMessage(MongoMessage message) {
    Document command = message.getDocument();
    String name = command.keySet().iterator().next();
    Document failed = failureOf(name);
    if (failed != null) return failed;
    if (name.equals("aggregate")) withoutSplit(command);
    withKnownTypes(command);
    Document answer = switch (name) {
      case "hello" -> hello();
      case "forgetHistory" -> log.forget();
      case "configureFailPoint" -> configure(command);
      case "runTransaction" -> runTransaction(message, command);
      case "insert" -> insert(message, command);
      default -> super.handleMessage(message);
    };
    if (answer.get("cursor") instanceof Document cursor) addToken(name, command, cursor);
    answer.put("operationTime", log.time());
    return answer;
  }

  private Document hello() {
    return new Document("isWritablePrimary", true).append("maxBsonObjectSize", 16777216).append("maxMessageSizeBytes", 48000000)
        .append("maxWriteBatchSize", 1000).append("minWireVersion", 0).append("maxWireVersion", 21).append("ok", 1);
  }

  /** As failCommand of MongoDB: an error code for some commands and times. */
  private synchronized Document configure(Document command) {
    failure = "off".equals(command.get("mode")) ? null : command;
    return new Document("ok", 1);
  }

  private synchronized Document failureOf(String name) {
    if (failure == null) return null;
    Document data = (Document) failure.get("data");
    if (!((List<?>) data.get("failCommands")).contains(name)) return null;
    Document mode = (Document) failure.get("mode");
    int times = ((Number) mode.get("times")).intValue() - 1;
    mode.put("times", times);
    if (times <= 0) failure = null;
    return new Document("ok", 0).append("code", data.get("errorCode")).append("errmsg", "failed for a test")
        .append("errorLabels", data.getOrDefault("errorLabels", List.of()));
  }

  /** Write commands whose changes enter the log at once, as those of one transaction. Documents themselves change one after the other. */
  private Document runTransaction(MongoMessage message, Document command) {
    log.begin(((Number) command.get("runTransaction")).longValue());
    try {
      for (Object each : (List<?>) command.get("commands")) {
        Document write = (Document) each;
        Document answer = handleCommand(message.getChannel(), message.getDatabaseName(), write.keySet().iterator().next(), write);
        if (answer.get("writeErrors") != null) return answer.append("code", 112).append("errmsg", "a write of a transaction failed").append("ok", 0);
      }
    } finally {
      log.commit();
    }
    return new Document("ok", 1);
  }

  private static final List<String> unknownTypes = List.of("symbol", "undefined", "dbPointer", "javascript", "javascriptWithScope");

  /** Values of these types cannot be stored here, so no document has them. */
  private static void withKnownTypes(Object value) {
    if (value instanceof List<?> list) list.forEach(MemoryServer::withKnownTypes);
    if (!(value instanceof Document document)) return;
    for (String name : List.copyOf(document.keySet())) {
      Object each = document.get(name);
      if (name.equals("$type") && each instanceof List<?> types) {
        List<?> known = types.stream().filter(type -> !unknownTypes.contains(type)).toList();
        document.put(name, known.isEmpty() ? List.of("regex") : new ArrayList<>(known));
      } else withKnownTypes(each);
    }
  }

  /** Every stream splits its large events: those of documents with a field isSplit. */
  private static void withoutSplit(Document command) {
    if (command.get("pipeline") instanceof List<?> stages)
      command.put("pipeline", new ArrayList<>(stages.stream()
          .filter(each -> !((Document) each).containsKey("$changeStreamSplitLargeEvent")).toList()));
  }

  private void addToken(String name, Document command, Document cursor) {
    long id = ((Number) (name.equals("getMore") ? command.get("getMore") : cursor.get("id"))).longValue();
    Stream stream = id == 0 ? null : log.streams.get(id);
    if (stream != null) cursor.put("postBatchResumeToken", new Document("_data", stream.token));
  }

  /** One write, as an event of a change stream; its position is its index. transaction: null for a write of its own. */
  private record Entry(String namespace, String type, Object key, Document full, Date wall, Long transaction) {}

  private class Log implements Oplog {
    final java.util.Map<Long, Stream> streams = new java.util.concurrent.ConcurrentHashMap<>();
    private final List<Entry> entries = new ArrayList<>();
    private final int epoch = (int) Instant.now().getEpochSecond();
    /** Of the transaction of this thread; null: each write enters the log at once. */
    private final ThreadLocal<List<Entry>> open = new ThreadLocal<>();
    private final ThreadLocal<Long> number = new ThreadLocal<>();
    private final ThreadLocal<List<Runnable>> inserted = new ThreadLocal<>();
    private int oldest = 0;

    synchronized Document forget() {
      oldest = entries.size();
      return new Document("ok", 1);
    }

    synchronized BsonTimestamp time() { return timeOf(entries.size() - 1); }

    BsonTimestamp timeOf(int index) { return new BsonTimestamp(((long) epoch << 32) + index + 1); }

    String tokenOf(int index, int fragment) { return String.format("82%08x%08x%02x", epoch, index + 1, fragment); }

    void begin(long transaction) {
      open.set(new ArrayList<>());
      number.set(transaction);
    }

    synchronized void commit() {
      entries.addAll(open.get());
      open.remove();
      number.remove();
    }

    private void add(String namespace, String type, Object key, Document full) {
      Entry entry = new Entry(namespace, type, key, full, new Date(), number.get());
      if (open.get() != null) open.get().add(entry);
      else synchronized (this) { entries.add(entry); }
    }

    /** Null: the log ends before. */
    synchronized Entry at(int index) { return index < entries.size() ? entries.get(index) : null; }

    public void handleInsert(String namespace, List<Document> documents) {
      for (Document each : documents) {
        Runnable change = () -> add(namespace, "insert", each.get("_id"), each.cloneDeeply());
        if (inserted.get() == null) change.run();
        else inserted.get().add(change);
      }
    }

    /** Inserts of this thread are kept until they are collected. */
    void collect() { inserted.set(new ArrayList<>()); }

    List<Runnable> collected() {
      List<Runnable> changes = inserted.get();
      inserted.remove();
      return changes;
    }

    public void handleUpdate(String namespace, Document selector, Document update, List<Object> ids) {
      boolean isReplace = update.keySet().stream().noneMatch(each -> each.startsWith("$"));
      for (Object id : ids) {
        add(namespace, isReplace ? "replace" : "update", id, isReplace ? lookUp(namespace, id) : null);
      }
    }

    public void handleDelete(String namespace, Document selector, List<Object> ids) {
      for (Object id : ids) add(namespace, "delete", id, null);
    }

    public void handleDropCollection(String namespace) {
      add(namespace, "drop", null, null);
      add(namespace, "invalidate", null, null);
    }

    public synchronized Cursor createCursor(Document stream, String namespace, Aggregation aggregation) {
      int start = entries.size();
      int fragment = 0;
      Object token = stream.getOrDefault("resumeAfter", stream.get("startAfter"));
      if (token instanceof Document document) {
        String data = (String) document.get("_data");
        start = (int) Long.parseLong(data.substring(10, 18), 16);
        fragment = Integer.parseInt(data.substring(18, 20), 16);
      } else if (stream.get("startAtOperationTime") instanceof BsonTimestamp time) start = time.getInc() - 1;
      if (start < oldest) throw new MongoServerError(286, "ChangeStreamHistoryLost", "the resume point may no longer be in the oplog");
      Stream cursor = new Stream(getCursorRegistry().generateCursorId(), namespace, start, fragment, stream);
      streams.put(cursor.id, cursor);
      getCursorRegistry().add(cursor);
      return cursor;
    }

    Document lookUp(String namespace, Object id) {
      String[] names = namespace.split("\\.", 2);
      MongoCollection<?> collection = resolveDatabase(names[0]).resolveCollection(names[1], false);
      if (collection == null) return null;
      return collection.handleQueryAsStream(new Document("_id", id)).findFirst().map(Document::cloneDeeply).orElse(null);
    }
  }

  private class Stream implements Cursor {
    final long id;
    String token;
    private final String namespace;
    private final boolean looksUp;
    private final List<Document> fragments = new ArrayList<>();
    private int next;
    private boolean isOver = false;

    Stream(long id, String namespace, int next, int fragment, Document options) {
      this.id = id;
      this.namespace = namespace;
      this.looksUp = "updateLookup".equals(options.get("fullDocument"));
      this.token = log.tokenOf(next - 1, fragment);
      this.next = next;
      if (fragment == 1) {
        this.next = next - 1;
        advance();
        fragments.remove(0);
      }
    }

    public long getId() { return id; }

    public boolean isEmpty() { return isOver; }

    public synchronized List<Document> takeDocuments(int count) {
      List<Document> taken = new ArrayList<>();
      int most = count <= 0 ? 1000 : count;
      while (taken.size() < most && !isOver && (!fragments.isEmpty() || advance())) {
        Document event = fragments.remove(0);
        token = (String) ((Document) event.get("_id")).get("_data");
        isOver = "invalidate".equals(event.get("operationType"));
        taken.add(event);
      }
      return taken;
    }

    /** Prepares the next event of this collection; without one, the position moves to the end of the log. */
    private boolean advance() {
      for (Entry entry = log.at(next); entry != null; entry = log.at(next)) {
        int index = next++;
        token = log.tokenOf(index, 0);
        if (!entry.namespace().equals(namespace)) continue;
        prepare(entry, index);
        return true;
      }
      return false;
    }

    private void prepare(Entry entry, int index) {
      String[] names = entry.namespace().split("\\.", 2);
      Document event = new Document("_id", new Document("_data", log.tokenOf(index, 0)));
      event.append("operationType", entry.type()).append("clusterTime", log.timeOf(index)).append("wallTime", entry.wall().toInstant());
      event.append("ns", new Document("db", names[0]).append("coll", names[1]));
      if (entry.key() != null) event.append("documentKey", new Document("_id", entry.key()));
      Document full = entry.type().equals("update") && looksUp ? log.lookUp(entry.namespace(), entry.key()) : entry.full();
      if (entry.transaction() != null) event.append("txnNumber", entry.transaction()).append("lsid", new Document("id", 1));
      if (full != null && full.get("isSplit") != null) {
        event.append("splitEvent", new Document("fragment", 1).append("of", 2));
        event.put("_id", new Document("_data", log.tokenOf(index, 1)));
        fragments.add(event);
        fragments.add(new Document("_id", new Document("_data", log.tokenOf(index, 2)))
            .append("splitEvent", new Document("fragment", 2).append("of", 2)).append("fullDocument", full));
        return;
      }
      if (!entry.type().equals("delete") && !entry.type().equals("drop") && !entry.type().equals("invalidate")) event.append("fullDocument", full);
      fragments.add(event);
    }
  }
}
