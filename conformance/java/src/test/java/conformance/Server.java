package conformance;

import ai.z.openapi.ZaiClient;
import ai.z.openapi.service.model.ChatCompletionCreateParams;
import ai.z.openapi.service.model.ChatMessage;
import ai.z.openapi.service.model.ChatThinking;
import ai.z.openapi.service.model.ChatTool;
import ai.z.openapi.service.model.ChatToolType;
import ai.z.openapi.service.model.ChatFunction;
import java.util.List;
import java.util.Map;

/** The server under test, and the questions it is asked. */
final class Server {
    static final String MODEL = System.getenv().getOrDefault("AZIMUTH_MODEL", "glm-4.7");

    private Server() {}

    /** A client that sends the key as it is. */
    static ZaiClient client() {
        return client(System.getenv("AZIMUTH_API_KEY"));
    }

    static ZaiClient client(String key) {
        return builder(key).disableTokenCache().build();
    }

    /** A client that signs a token with the key's secret and sends that instead. */
    static ZaiClient signingClient() {
        return builder(System.getenv("AZIMUTH_API_KEY")).enableTokenCache().build();
    }

    private static ZaiClient.Builder builder(String key) {
        var builder = ZaiClient.builder();
        builder.apiKey(key);
        // The SDK resolves its paths against this, so the slash at the end matters.
        builder.baseUrl(System.getenv("AZIMUTH_BASE_URL") + "/api/paas/v4/");
        return builder;
    }

    /** A short question, without thinking, so that a toy model is done soon. */
    static ChatCompletionCreateParams question(boolean stream) {
        return ChatCompletionCreateParams.builder()
                .model(MODEL)
                .messages(List.of(new ChatMessage("user", "Say hello in one short sentence.")))
                .thinking(new ChatThinking("disabled"))
                .maxTokens(48)
                .stream(stream)
                .build();
    }

    /** A question whose answer must be a call of `get_weather`; whatever the model draws is a valid call. */
    static ChatCompletionCreateParams weather(boolean stream) {
        var city = Map.of("type", "string", "enum", List.of("Beijing", "Shanghai"));
        var parameters = Map.of("type", "object", "properties", Map.of("city", city), "required", List.of("city"));
        var function = ChatFunction.builder()
                .name("get_weather")
                .description("Get the current weather of a city.")
                .parameters(parameters)
                .build();
        return ChatCompletionCreateParams.builder()
                .model(MODEL)
                .messages(List.of(new ChatMessage("user", "What is the weather in Beijing right now?")))
                .tools(List.of(ChatTool.builder().type(ChatToolType.FUNCTION.value()).function(function).build()))
                .toolChoice(Map.of("type", "function", "function", Map.of("name", "get_weather")))
                .thinking(new ChatThinking("disabled"))
                .maxTokens(256)
                .stream(stream)
                .build();
    }
}
