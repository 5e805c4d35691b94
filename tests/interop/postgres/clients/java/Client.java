// The JDBC driver through the gateway; prints `ok NAME` for each thing that went as it does on PostgreSQL.
import java.io.StringReader;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.sql.Statement;
import java.util.Arrays;
import java.util.Properties;
import org.postgresql.PGConnection;

public class Client {
    static void must(boolean holds, String what) {
        if (!holds) throw new AssertionError(what);
    }

    static Connection connect(String... more) throws SQLException {
        Properties with = new Properties();
        with.setProperty("user", System.getenv("PGUSER"));
        with.setProperty("password", System.getenv("PGPASSWORD"));
        with.setProperty("sslmode", "verify-full");
        with.setProperty("sslrootcert", System.getenv("PGSSLROOTCERT"));
        with.setProperty("channelBinding", "require");
        for (int at = 0; at < more.length; at += 2) with.setProperty(more[at], more[at + 1]);
        String database = URLEncoder.encode(System.getenv("PGDATABASE"), StandardCharsets.UTF_8);
        String where = "jdbc:postgresql://localhost:" + System.getenv("PGPORT") + "/" + database;
        return DriverManager.getConnection(where, with);
    }

    static String refusal(Connection link, String text) {
        try (Statement statement = link.createStatement()) {
            statement.execute(text);
            return "";
        } catch (SQLException error) {
            return error.getSQLState();
        }
    }

    static void fetchSize(Connection link) throws SQLException {
        link.setAutoCommit(false);
        try (PreparedStatement statement = link.prepareStatement("select generate_series(1, ?)")) {
            statement.setFetchSize(50);
            statement.setInt(1, 1000);
            long sum = 0;
            try (ResultSet rows = statement.executeQuery()) {
                while (rows.next()) sum += rows.getInt(1);
            }
            must(sum == 500500, "sum " + sum);
        }
        link.commit();
        link.setAutoCommit(true);
    }

    static void batch(Connection link) throws SQLException {
        try (PreparedStatement statement = link.prepareStatement("insert into cli values (?, ?)")) {
            for (int number = 300; number < 700; number++) {
                statement.setInt(1, number);
                statement.setString(2, "j");
                statement.addBatch();
            }
            int[] done = statement.executeBatch();
            must(done.length == 400, "batch");
        }
        try (Statement statement = link.createStatement()) {
            statement.addBatch("update cli set c = 'k' where a = 300");
            statement.addBatch("delete from cli where a >= 300");
            must(Arrays.equals(statement.executeBatch(), new int[] {1, 400}), "mixed batch");
        }
    }

    static void serverPrepared(Connection link) throws SQLException {
        try (PreparedStatement statement = link.prepareStatement("select ? + 1, ?::text")) {
            for (int number = 0; number < 12; number++) {
                statement.setInt(1, number);
                statement.setString(2, "t" + number);
                try (ResultSet row = statement.executeQuery()) {
                    must(row.next() && row.getInt(1) == number + 1 && row.getString(2).equals("t" + number), "prepared");
                }
            }
        }
    }

    static void transactions(Connection link) throws SQLException {
        link.setAutoCommit(false);
        try (Statement statement = link.createStatement()) {
            statement.executeUpdate("insert into cli values (71, 's')");
            Savepoint here = link.setSavepoint();
            must(refusal(link, "/*deny*/ select 1").equals("42501"), "denied");
            link.rollback(here);
            try (ResultSet row = statement.executeQuery("select c from cli where a = 71")) {
                must(row.next() && row.getString(1).equals("s"), "after the savepoint");
            }
        }
        link.rollback();
        link.setAutoCommit(true);
    }

    static void copy(Connection link) throws Exception {
        var copying = link.unwrap(PGConnection.class).getCopyAPI();
        must(copying.copyIn("copy cli from stdin", new StringReader("800\tx\n801\ty\n")) == 2, "in");
        must(copying.copyIn("copy cli from stdin (format csv)", new StringReader("802,z\n")) == 1, "in again");
        var out = new java.io.StringWriter();
        must(copying.copyOut("copy (select a from cli where a >= 800 order by a) to stdout", out) == 3, "out");
        must(out.toString().equals("800\n801\n802\n"), out.toString());
        must(refusal(link, "delete from cli where a >= 800").isEmpty(), "clean up");
    }

    static void metadata(Connection link) throws SQLException {
        var about = link.getMetaData();
        try (ResultSet columns = about.getColumns(null, "public", "cli", "%")) {
            must(columns.next() && columns.getString("COLUMN_NAME").equals("a"), "columns");
        }
        try (ResultSet keys = about.getPrimaryKeys(null, "public", "cli")) {
            must(keys.next() && keys.getString("COLUMN_NAME").equals("a"), "keys");
        }
        try (PreparedStatement s = link.prepareStatement("insert into cli values (72, 'g')", Statement.RETURN_GENERATED_KEYS)) {
            s.executeUpdate();
            ResultSet made = s.getGeneratedKeys();
            must(made.next() && made.getInt(1) == 72, "generated keys");
        }
        must(refusal(link, "delete from cli where a = 72").isEmpty(), "clean up");
    }

    static void cancel(Connection link) throws Exception {
        try (Statement statement = link.createStatement()) {
            statement.setQueryTimeout(1);
            String state = "";
            try {
                statement.execute("select pg_sleep(60)");
            } catch (SQLException error) {
                state = error.getSQLState();
            }
            must(state.equals("57014"), "cancelled " + state);
        }
    }

    static void masked(Connection link) throws SQLException {
        try (PreparedStatement statement = link.prepareStatement("select c, a from cli where a = ? /*mask*/")) {
            for (int again = 0; again < 8; again++) {
                statement.setInt(1, 1);
                try (ResultSet row = statement.executeQuery()) {
                    must(row.next() && row.getString(1).equals("[redacted]") && row.getInt(2) == 1, "masked");
                }
            }
        }
    }

    interface Check {
        void run(Connection link) throws Exception;
    }

    static void all(String label, Connection link) throws Exception {
        Check[] checks = {
            Client::fetchSize, Client::batch, Client::serverPrepared, Client::transactions,
            Client::copy, Client::metadata, Client::cancel, Client::masked,
        };
        String[] names = {"fetch_size", "batch", "prepared", "transactions", "copy", "metadata", "cancel", "masked"};
        for (int at = 0; at < checks.length; at++) {
            checks[at].run(link);
            System.out.println("ok " + label + names[at]);
        }
        link.close();
    }

    public static void main(String[] arguments) throws Exception {
        all("", connect());
        all("rewritten_", connect("reWriteBatchedInserts", "true", "prepareThreshold", "1"));
        all("simple_", connect("preferQueryMode", "simple"));
    }
}
