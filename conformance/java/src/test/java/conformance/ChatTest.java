package conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.z.openapi.ZaiClient;
import ai.z.openapi.service.model.AsyncResultRetrieveParams;
import ai.z.openapi.service.model.ChatCompletionCreateParams;
import ai.z.openapi.service.model.ChatCompletionResponse;
import ai.z.openapi.service.model.ChatThinking;
import ai.z.openapi.service.model.ModelData;
import ai.z.openapi.service.model.TaskStatus;
import ai.z.openapi.service.model.ToolCalls;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What a program that uses the official Java SDK does and sees. */
@Timeout(120)
class ChatTest {
    @Test
    void aChatCompletionIsAnsweredAndMetered() {
        var answer = answered(Server.client().chat().createChatCompletion(Server.question(false)));

        var choice = answer.getChoices().get(0);
        assertEquals("assistant", choice.getMessage().getRole());
        assertNotNull(choice.getMessage().getContent());
        assertUsage(answer);
    }

    /** The SDK signs a token with the key's secret, with times in milliseconds. */
    @Test
    void aTokenSignedByTheSdkIsAccepted() {
        answered(Server.signingClient().chat().createChatCompletion(Server.question(false)));
    }

    /** The SDK's event parser takes nothing but `data:` lines and single empty ones. */
    @Test
    void aStreamPassesTheStrictestEventParser() {
        var chunks = stream(Server.client(), Server.question(true));

        var text = new StringBuilder();
        for (var chunk : chunks) {
            var content = chunk.getChoices().get(0).getDelta().getContent();
            text.append(content == null ? "" : content);
        }
        assertFalse(text.toString().isEmpty());
        var last = chunks.get(chunks.size() - 1);
        assertNotNull(last.getChoices().get(0).getFinishReason());
        assertUsage(last);
    }

    @Test
    void aStreamThatThinksReasonsBeforeItAnswers() {
        var request = Server.question(true);
        request.setThinking(new ChatThinking("enabled"));
        request.setMaxTokens(256);

        var order = new StringBuilder();
        for (var chunk : stream(Server.client(), request)) {
            var delta = chunk.getChoices().get(0).getDelta();
            if (isText(delta.getReasoningContent())) order.append('r');
            if (isText(delta.getContent())) order.append('c');
        }
        assertTrue(order.toString().matches("r*c*") && order.length() > 0, order.toString());
    }

    @Test
    void aToolThatMustBeCalledIsCalled() {
        var answer = answered(Server.client().chat().createChatCompletion(Server.weather(false)));

        var choice = answer.getChoices().get(0);
        assertEquals("tool_calls", choice.getFinishReason());
        assertCall(choice.getMessage().getToolCalls().get(0));
    }

    @Test
    void aStreamedCallArrivesWhole() {
        List<ToolCalls> calls = new ArrayList<>();
        for (var chunk : stream(Server.client(), Server.weather(true))) {
            var pieces = chunk.getChoices().get(0).getDelta().getTool_calls();
            if (pieces != null) calls.addAll(pieces);
        }
        assertEquals(1, calls.size());
        assertCall(calls.get(0));
    }

    @Test
    void anAsynchronousQuestionIsAnsweredLater() throws InterruptedException {
        var client = Server.client();
        var task = answered(client.chat().asyncChatCompletion(Server.question(false)));
        assertEquals(TaskStatus.PROCESSING, task.getTaskStatus());

        var deadline = Instant.now().plus(Duration.ofSeconds(90));
        ModelData result;
        do {
            Thread.sleep(200);
            result = client.chat().retrieveAsyncResult(new AsyncResultRetrieveParams(task.getId())).getData();
        } while (result.getTaskStatus() == TaskStatus.PROCESSING && Instant.now().isBefore(deadline));
        assertEquals(TaskStatus.SUCCESS, result.getTaskStatus());
        assertNotNull(result.getChoices().get(0).getMessage().getContent());
    }

    @Test
    void anUnknownModelIsRefusedWithThePlatformsCode() {
        var request = Server.question(false);
        request.setModel("no-such-model-xyz");

        var response = Server.client().chat().createChatCompletion(request);
        assertFalse(response.isSuccess());
        assertEquals(1211, response.getError().getCode());
    }

    @Test
    void aWrongKeyIsRefused() {
        var stranger = Server.client("0".repeat(32) + "." + "0".repeat(16));

        var response = stranger.chat().createChatCompletion(Server.question(false));
        assertFalse(response.isSuccess());
        assertEquals(1002, response.getError().getCode());
    }

    private static ModelData answered(ChatCompletionResponse response) {
        assertTrue(response.isSuccess(), () -> response.getMsg() + " " + response.getError());
        return response.getData();
    }

    private static List<ModelData> stream(ZaiClient client, ChatCompletionCreateParams request) {
        var response = client.chat().createChatCompletion(request);
        assertTrue(response.isSuccess(), response::getMsg);
        List<ModelData> chunks = new ArrayList<>();
        response.getFlowable().blockingForEach(chunks::add);
        assertFalse(chunks.isEmpty());
        return chunks;
    }

    private static void assertCall(ToolCalls call) {
        assertTrue(isText(call.getId()));
        assertEquals("function", call.getType());
        assertEquals("get_weather", call.getFunction().getName());
        // The arguments are JSON inside a JSON text.
        var arguments = call.getFunction().getArguments();
        assertTrue(arguments.isTextual(), arguments::toString);
        assertTrue(arguments.asText().matches("\\{\"city\": ?\"(Beijing|Shanghai)\"}"), arguments::asText);
    }

    private static void assertUsage(ModelData answer) {
        var usage = answer.getUsage();
        assertTrue(usage.getPromptTokens() > 0);
        assertTrue(usage.getCompletionTokens() > 0);
        assertEquals(usage.getPromptTokens() + usage.getCompletionTokens(), usage.getTotalTokens());
    }

    private static boolean isText(String text) {
        return text != null && !text.isEmpty();
    }
}
