// A Flight SQL client in Java, as a program: see test_other_languages.py for its commands.
//
// This is the layer that the JDBC driver sits on: the handshake, the prepared statements and the metadata calls are the same.

import java.io.ByteArrayOutputStream;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.List;
import org.apache.arrow.flight.CallOption;
import org.apache.arrow.flight.FlightClient;
import org.apache.arrow.flight.FlightInfo;
import org.apache.arrow.flight.FlightRuntimeException;
import org.apache.arrow.flight.FlightStream;
import org.apache.arrow.flight.Location;
import org.apache.arrow.flight.sql.FlightSqlClient;
import org.apache.arrow.flight.sql.FlightSqlClient.PreparedStatement;
import org.apache.arrow.flight.sql.impl.FlightSql.SqlInfo;
import org.apache.arrow.flight.sql.util.TableRef;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;
import org.apache.arrow.vector.VarCharVector;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.arrow.vector.ipc.ArrowStreamWriter;
import org.apache.arrow.vector.types.pojo.Schema;

public class FlightSqlProgram {
    public static void main(String[] arguments) throws Exception {
        String[] address = arguments[0].split(":");
        String user = arguments[1];
        Location location = Location.forGrpcInsecure(address[0], Integer.parseInt(address[1]));
        try (BufferAllocator allocator = new RootAllocator();
                FlightClient flight = FlightClient.builder(allocator, location).build();
                FlightSqlClient client = new FlightSqlClient(flight)) {
            CallOption login = flight.authenticateBasicToken(user, user).orElseThrow();
            ByteArrayOutputStream answer = new ByteArrayOutputStream();
            switch (arguments[2]) {
                case "query" -> copy(client, client.execute(arguments[3], login), answer, login);
                case "prepared" -> prepared(client, allocator, arguments, answer, login);
                case "browse" -> answer.write(browse(client, login).getBytes());
                default -> throw new IllegalArgumentException(arguments[2]);
            }
            System.out.write(answer.toByteArray());
            System.out.flush();
        } catch (FlightRuntimeException refused) {
            System.err.println(refused.status().code() + ": " + refused.getMessage());
            System.exit(1);
        }
    }

    private static void copy(FlightSqlClient client, FlightInfo info, OutputStream to, CallOption login) throws Exception {
        try (FlightStream stream = client.getStream(info.getEndpoints().get(0).getTicket(), login)) {
            Schema announced = info.getSchema();
            VectorSchemaRoot root = stream.getRoot();
            if (!announced.equals(root.getSchema())) {
                throw new IllegalStateException("announced " + announced + ", sent " + root.getSchema());
            }
            try (ArrowStreamWriter writer = new ArrowStreamWriter(root, stream.getDictionaryProvider(), to)) {
                writer.start();
                while (stream.next()) {
                    writer.writeBatch();
                }
                writer.end();
            }
        }
    }

    /** Binds texts, as many as there are after the statement. */
    private static void prepared(
            FlightSqlClient client, BufferAllocator allocator, String[] arguments, OutputStream to, CallOption login)
            throws Exception {
        PreparedStatement statement = client.prepare(arguments[3], login);
        try {
            int count = arguments.length - 4;
            int expected = statement.getParameterSchema().getFields().size();
            if (count != expected) {
                throw new IllegalStateException(expected + " parameters are announced");
            }
            List<VarCharVector> columns = new ArrayList<>();
            for (int position = 0; position < count; position++) {
                VarCharVector column = new VarCharVector("p" + position, allocator);
                column.setSafe(0, arguments[4 + position].getBytes("UTF-8"));
                column.setValueCount(1);
                columns.add(column);
            }
            try (VectorSchemaRoot row = new VectorSchemaRoot(new ArrayList<>(columns))) {
                row.setRowCount(1);
                if (count > 0) {
                    statement.setParameters(row);
                }
                copy(client, statement.execute(login), to, login);
            }
        } finally {
            // The statement's own close sends no login.
            statement.close(login);
        }
    }

    private static String browse(FlightSqlClient client, CallOption login) throws Exception {
        FlightInfo tables = client.getTables(null, null, null, null, true, login);
        FlightInfo keys = client.getPrimaryKeys(TableRef.of(null, "sales", "nation"), login);
        List<String> names = new ArrayList<>();
        List<String> databases = column(client, tables, 1, login);
        List<String> tableNames = column(client, tables, 2, login);
        for (int row = 0; row < tableNames.size(); row++) {
            names.add(databases.get(row) + "." + tableNames.get(row));
        }
        if (!column(client, keys, 2, login).isEmpty()) {
            throw new IllegalStateException("there are no keys");
        }
        return "{\"catalogs\":" + json(column(client, client.getCatalogs(login), 0, login))
                + ",\"databases\":" + json(column(client, client.getSchemas(null, null, login), 1, login))
                + ",\"tables\":" + json(names)
                + ",\"table_types\":" + json(column(client, client.getTableTypes(login), 0, login))
                + ",\"server\":" + json(column(client, client.getSqlInfo(new SqlInfo[] {SqlInfo.FLIGHT_SQL_SERVER_NAME}, login), 1, login)).replaceAll("[\\[\\]]", "")
                + "}";
    }

    private static List<String> column(FlightSqlClient client, FlightInfo info, int position, CallOption login) throws Exception {
        List<String> values = new ArrayList<>();
        try (FlightStream stream = client.getStream(info.getEndpoints().get(0).getTicket(), login)) {
            while (stream.next()) {
                VectorSchemaRoot root = stream.getRoot();
                for (int row = 0; row < root.getRowCount(); row++) {
                    values.add(String.valueOf(root.getVector(position).getObject(row)));
                }
            }
        }
        return values;
    }

    private static String json(List<String> texts) {
        List<String> quoted = new ArrayList<>();
        for (String text : texts) {
            quoted.add('"' + text + '"');
        }
        return quoted.toString();
    }
}
