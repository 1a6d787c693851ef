"""What moto's interpreter of state machines does not do by itself.

moto took its interpreter from LocalStack. It refuses definitions that AWS takes, and, once it has
refused one, reads all that follow in its language. Here a definition is brought into the form that
it reads, right before it does, and what it cannot run fails in its execution, with the reason.

The language: https://docs.aws.amazon.com/step-functions/latest/dg/concepts-amazon-states-language.html
"""

import base64
import copy
import datetime
import json
import re

from moto.moto_api._internal import mock_random
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration import distributed_iteration_component
from moto.stepfunctions.parser.asl.component.state.exec.state_map.state_map import StateMap
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import state_task_service_factory
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.resource import ResourceCondition
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_callback import (
    StateTaskServiceCallback,
)
from moto.stepfunctions.parser.asl.eval.states import ItemData, MapData
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser
from moto.stepfunctions.parser.asl.parse.preprocessor import Preprocessor
from moto.stepfunctions.parser.asl.utils.json_path import extract_json
from moto.stepfunctions.parser.backend.execution_worker import ExecutionWorker
from moto.stepfunctions.parser.models import StepFunctionsParserBackend

# A state's batcher stands behind this word in its comment, which the interpreter keeps.
BATCHER = "dwctl:batcher:"
# Services that it knows as those that it cannot run.
state_task_service_factory._UNSUPPORTED_SERVICE_NAMES.update({"http"})


def adapted(definition):
    """A definition in the form that the interpreter reads."""
    try:
        machine = json.loads(definition)
    except (TypeError, ValueError):
        return definition
    if not isinstance(machine, dict):
        return definition
    language = machine.get("QueryLanguage") or "JSONPath"
    _machine(machine, language)
    return json.dumps(machine)


def _machine(machine, language):
    for state in (machine.get("States") or {}).values():
        if isinstance(state, dict):
            _state(state, language)


def _state(state, language):
    # A state that says nothing speaks the machine's language, wherever it stands.
    # https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html
    state.setdefault("QueryLanguage", language)
    resource = state.get("Resource")
    if isinstance(resource, str):
        # Integrations have the ARN of their partition; the interpreter compares with one.
        state["Resource"] = re.sub(r"^arn:aws[a-z-]*:states:::", "arn:aws:states:::", resource)
    batcher = state.pop("ItemBatcher", None)
    if batcher is not None:
        # Its text is taken as it stands between the quotes.
        state["Comment"] = BATCHER + base64.b64encode(json.dumps(batcher).encode()).decode()
    for inner in (state.get("ItemProcessor"), state.get("Iterator")):
        if isinstance(inner, dict):
            # Children that are express differ in what they cost and keep, not in what they do.
            config = inner.get("ProcessorConfig")
            if isinstance(config, dict) and config.get("ExecutionType") == "EXPRESS":
                config["ExecutionType"] = "STANDARD"
            _machine(inner, language)
    reader = state.get("ItemReader")
    for part in (reader, state.get("ResultWriter")):
        if isinstance(part, dict) and isinstance(part.get("Resource"), str):
            part["Resource"] = re.sub(r"^arn:aws[a-z-]*:states:::", "arn:aws:states:::", part["Resource"])
    for branch in state.get("Branches") or []:
        if isinstance(branch, dict):
            _machine(branch, language)


def _fresh(original):
    # moto keeps the languages of all definitions in one list, from which a refused one is never taken.
    def created(self, *arguments, **named):
        original(self, *arguments, **named)
        self._query_language_per_scope = []

    return created


def _open(original):
    # A JSONPath state may stand in a JSONata one, where the machine speaks JSONPath.
    def opened(self, tree):
        scopes = self._query_language_per_scope
        self._query_language_per_scope = scopes[:1]
        try:
            original(self, tree)
        finally:
            self._query_language_per_scope = scopes + self._query_language_per_scope[-1:]

    return opened


def _parse(original):
    def parsed(definition):
        return original(adapted(definition))

    return staticmethod(parsed)


def _entrypoint(original):
    def program(self):
        try:
            return original(self)
        except Exception as error:
            cause = f"The sandbox cannot run this state machine: {error}"[:30000]
            failing = {"StartAt": "Sandbox", "States": {
                "Sandbox": {"Type": "Fail", "Error": "SandboxCannotRun", "Cause": cause}}}
            return AmazonStateLanguageParser.parse(json.dumps(failing))[0]

    return program


def _from_props(original):
    def read(self, props):
        original(self, props)
        comment = getattr(self.comment, "comment", None) or ""
        if comment.startswith(BATCHER):
            self.iteration_component.dwctl_batcher = json.loads(base64.b64decode(comment[len(BATCHER):]))

    return read


def _map_run(original):
    def run(self, env, eval_input):
        batcher = getattr(self, "dwctl_batcher", None)
        if batcher is not None:
            items = _selected(env, eval_input, env.stack.pop())
            env.stack.append(batches(items, batcher, env.states.get_input()))
            eval_input = copy.copy(eval_input)
            eval_input.item_selector = eval_input.parameters = None
        return original(self, env=env, eval_input=eval_input)

    return run


def _selected(env, eval_input, items):
    """The items as `ItemSelector` makes them, which is before they are put together."""
    selector = eval_input.item_selector or eval_input.parameters
    if selector is None:
        return items
    given, made = env.states.get_input(), []
    for index, item in enumerate(items):
        frame = env.open_inner_frame()
        frame.states.context_object.context_object_data["Map"] = MapData(Item=ItemData(Index=index, Value=item))
        frame.states.reset(input_value=given)
        frame.stack.append(given)
        selector.eval(frame)
        made.append(frame.stack[-1])
        env.delete_frame(frame)
    return made


def batches(items, batcher, given):
    """Items in batches, each with the batcher's own input.

    https://docs.aws.amazon.com/step-functions/latest/dg/input-output-itembatcher.html
    """

    def most(name):
        path = batcher.get(name + "Path")
        return int(extract_json(path, given)) if path else batcher.get(name)

    count, size = most("MaxItemsPerBatch"), most("MaxInputBytesPerBatch")
    shared = _input(batcher.get("BatchInput"), given)
    made, bytes_so_far = [], 0
    for item in items:
        weight = len(json.dumps(item).encode())
        full = made and (
            (count and len(made[-1]) >= int(count)) or (size and bytes_so_far + weight > int(size)))
        if not made or full:
            made.append([])
            bytes_so_far = 0
        made[-1].append(item)
        bytes_so_far += weight
    return [{**({} if shared is None else {"BatchInput": shared}), "Items": batch} for batch in made]


def _input(value, given):
    """A payload, in which a member whose name ends with `.$` is a path."""
    if isinstance(value, dict):
        return {
            name[:-2] if name.endswith(".$") else name:
                extract_json(inner, given) if name.endswith(".$") else _input(inner, given)
            for name, inner in value.items()
        }
    if isinstance(value, list):
        return [_input(inner, given) for inner in value]
    return value


def plain(value):
    """An answer as JSON, in which times are milliseconds."""

    def number(other):
        if isinstance(other, datetime.datetime):
            return int(other.timestamp() * 1000)
        return str(other)

    return json.loads(json.dumps(value, default=number))


def _integration(original):
    # It ends the wait for a token also of services that have none, and so every `.sync` of Glue.
    def evaluated(self, env, *arguments, **named):
        patterns = self._supported_integration_patterns
        if ResourceCondition.WaitForTaskToken in patterns:
            original(self, env, *arguments, **named)
            env.stack[-1] = plain(env.stack[-1])
            return
        data = env.states.context_object.context_object_data
        data["Task"] = {"Token": env.callback_pool_manager.add(str(mock_random.uuid4())).callback_id}
        self._supported_integration_patterns = {*patterns, ResourceCondition.WaitForTaskToken}
        try:
            original(self, env, *arguments, **named)
            env.stack[-1] = plain(env.stack[-1])
        finally:
            self._supported_integration_patterns = patterns
            data.pop("Task", None)

    return evaluated


StateTaskServiceCallback._eval_integration_pattern = _integration(StateTaskServiceCallback._eval_integration_pattern)
Preprocessor.__init__ = _fresh(Preprocessor.__init__)
Preprocessor._open_query_language_scope = _open(Preprocessor._open_query_language_scope)
AmazonStateLanguageParser.parse = _parse(AmazonStateLanguageParser.parse)
ExecutionWorker._get_evaluation_entrypoint = _entrypoint(ExecutionWorker._get_evaluation_entrypoint)
StateMap.from_state_props = _from_props(StateMap.from_state_props)
distributed_iteration_component.DistributedIterationComponent._map_run = _map_run(
    distributed_iteration_component.DistributedIterationComponent._map_run)
# What a definition may be, `stepfunctions.py` says before moto is asked.
StepFunctionsParserBackend._validate_definition = staticmethod(lambda definition: None)
