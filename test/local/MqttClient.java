// A client of MQTT 3.1.1, as much of it as a driver needs: sign in, subscribe, publish and hear at level 0, stay alive.
// It goes into the jar of the driver beside it; a stand-in for the client that the vendor's library for Java brings along.
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.function.BiConsumer;

final class MqttClient {
  private static final int CONNECT = 0x10, CONNACK = 2, PUBLISH = 0x30, SUBSCRIBE = 0x82, PING = 0xc0, KEEP_ALIVE_S = 20;
  private final Socket socket;
  private final DataInputStream in;
  private final DataOutputStream out;
  private int lastId;

  MqttClient(String host, int port, String clientId, String user, String password) throws IOException {
    socket = new Socket(host, port);
    in = new DataInputStream(socket.getInputStream());
    out = new DataOutputStream(socket.getOutputStream());
    ByteArrayOutputStream body = new ByteArrayOutputStream();
    DataOutputStream text = new DataOutputStream(body);
    writeText(text, "MQTT");
    text.writeByte(4);
    // A user and a password come along, and nothing is kept from an earlier connection.
    text.writeByte(0xc2);
    text.writeShort(KEEP_ALIVE_S);
    for (String part : new String[] {clientId, user, password}) writeText(text, part);
    send(CONNECT, body.toByteArray());
    int kind = in.readUnsignedByte() >> 4;
    byte[] answer = readBody();
    if (kind != CONNACK || answer[1] != 0) throw new IOException("refused with " + answer[1]);
  }

  void subscribe(String filter) throws IOException {
    ByteArrayOutputStream body = new ByteArrayOutputStream();
    DataOutputStream text = new DataOutputStream(body);
    text.writeShort(++lastId);
    writeText(text, filter);
    text.writeByte(0);
    send(SUBSCRIBE, body.toByteArray());
  }

  void publish(String topic, String payload) throws IOException {
    ByteArrayOutputStream body = new ByteArrayOutputStream();
    writeText(new DataOutputStream(body), topic);
    body.write(payload.getBytes(StandardCharsets.UTF_8));
    send(PUBLISH, body.toByteArray());
  }

  void ping() throws IOException {
    send(PING, new byte[0]);
  }

  /** Hands over what comes in, until the connection ends. */
  void listen(BiConsumer<String, String> onMessage) throws IOException {
    for (;;) {
      int kind = in.readUnsignedByte() & 0xf0;
      byte[] body = readBody();
      if (kind != PUBLISH) continue;
      int length = (body[0] & 0xff) << 8 | body[1] & 0xff;
      String topic = new String(body, 2, length, StandardCharsets.UTF_8);
      onMessage.accept(topic, new String(body, 2 + length, body.length - 2 - length, StandardCharsets.UTF_8));
    }
  }

  private synchronized void send(int head, byte[] body) throws IOException {
    out.writeByte(head);
    for (int left = body.length; ; ) {
      int digit = left & 0x7f;
      left >>= 7;
      out.writeByte(left > 0 ? digit | 0x80 : digit);
      if (left == 0) break;
    }
    out.write(body);
    out.flush();
  }

  private byte[] readBody() throws IOException {
    int length = 0;
    for (int shift = 0; ; shift += 7) {
      int digit = in.readUnsignedByte();
      length |= (digit & 0x7f) << shift;
      if ((digit & 0x80) == 0) break;
    }
    byte[] body = new byte[length];
    in.readFully(body);
    return body;
  }

  private static void writeText(DataOutputStream to, String text) throws IOException {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    to.writeShort(bytes.length);
    to.write(bytes);
  }
}
