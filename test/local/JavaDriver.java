// A driver for Java: it gets its config over MQTT again and again, since nobody tells it of changes, brings its device online,
// says what it was configured with, and can add. Config and answers are read by pattern: there is no JSON in the JDK.
import java.io.IOException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

public final class JavaDriver {
  private static final String ID = System.getenv("FUNCTION_ID"), NAME = System.getenv("FUNCTION_NAME");
  private static final String INBOX = "edge/iot/driver/proxy/x", OUTBOX = "iot/driver/proxy/x";
  private final MqttClient client;
  private String device;
  private String unit;
  private int count;

  private JavaDriver(MqttClient client) {
    this.client = client;
  }

  public static void main(String[] args) throws Exception {
    // The vendor's port, unless an option of the virtual machine says another one.
    int port = Integer.getInteger("mqtt.port", 9883);
    String host = System.getenv().getOrDefault("FCBASE_IPADDR", "127.0.0.1");
    new JavaDriver(new MqttClient(host, port, NAME, "driver&" + NAME + "&" + ID, ID)).run();
  }

  private void run() throws Exception {
    for (String kind : new String[] {"response/driver", "response/device", "request/device"}) client.subscribe(INBOX + "/" + kind + "/" + ID + "/#");
    Thread asking = new Thread(this::ask);
    asking.setDaemon(true);
    asking.start();
    client.listen(this::heard);
  }

  private void ask() {
    try {
      for (;; Thread.sleep(200)) client.publish("edge/driver/" + ID + "/x/x/request/" + OUTBOX + "/get_config", message("\"params\":{}"));
    } catch (IOException | InterruptedException error) {
      System.exit(1);
    }
  }

  private void heard(String topic, String text) {
    try {
      if (topic.endsWith("/get_config")) configured(text);
      else if (topic.endsWith("/online")) say();
      else if (topic.endsWith("/add")) add(text);
    } catch (IOException error) {
      System.exit(1);
    }
  }

  private void configured(String text) throws IOException {
    String said = find(text, "\"unit\":\"([^\"]*)\"");
    if (said.equals(unit)) return;
    unit = said;
    System.out.println("unit " + unit);
    if (device != null) {
      say();
      return;
    }
    device = find(text, "\"productKey\":\"([^\"]*)\"") + "/" + find(text, "\"deviceName\":\"([^\"]*)\"");
    client.publish("edge/device/" + ID + "/" + device + "/request/" + OUTBOX + "/online", message("\"params\":{}"));
  }

  private void say() throws IOException {
    String java = System.getProperty("java.specification.version");
    client.publish("edge/device/" + ID + "/" + device + "/broadcast/thing/" + device + "/property", message(
        "\"params\":{\"unit\":{\"value\":\"" + unit + "\",\"time\":" + System.currentTimeMillis() + "},"
            + "\"java\":{\"value\":\"" + java + "\",\"time\":" + System.currentTimeMillis() + "}}"));
  }

  private void add(String text) throws IOException {
    int sum = Integer.parseInt(find(text, "\"a\":(\\d+)")) + Integer.parseInt(find(text, "\"b\":(\\d+)"));
    client.publish("edge/device/" + ID + "/" + device + "/response/" + OUTBOX + "/callservice/thing/service/add",
        "{\"id\":\"" + find(text, "\"id\":\"([^\"]*)\"") + "\",\"version\":\"1.0\",\"code\":0,\"data\":{\"sum\":" + sum + "}}");
  }

  private synchronized String message(String rest) {
    return "{\"id\":\"" + ++count + "\",\"version\":\"1.0\"," + rest + "}";
  }

  private static String find(String text, String pattern) {
    Matcher found = Pattern.compile(pattern).matcher(text);
    return found.find() ? found.group(1) : "";
  }
}
