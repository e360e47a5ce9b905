import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;

/** Asks with the defaults of Java's own client: it offers HTTP/2 with its first request, which has a body. */
class Http {
    public static void main(String[] arguments) throws Exception {
        var client = HttpClient.newHttpClient();
        var text = "{\"email\": \"java@shop.example\", \"login\": \"java\", \"password\": \"pw\"}";
        var user = URI.create(arguments[0] + "/user");
        var requests = new HttpRequest.Builder[] {
            HttpRequest.newBuilder(user).header("Content-Type", "application/json").POST(BodyPublishers.ofString(text)),
            HttpRequest.newBuilder(URI.create(user + "/java/messages")),
            HttpRequest.newBuilder(URI.create(user + "/java")).DELETE(),
            HttpRequest.newBuilder(user).method("BREW", BodyPublishers.noBody()),
        };
        for (var request : requests) {
            var response = client.send(request.build(), BodyHandlers.ofString());
            System.out.println(response.statusCode() + " " + response.version() + " " + response.body());
        }
    }
}
