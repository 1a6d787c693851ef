"""Glue: updates, classifiers, and every member of a definition on read.

A definition is kept, as it was sent, beside moto's own object, and shown with
what AWS adds to it.
"""

import copy
import re

from moto.glue.models import glue_backends

from emulator.wire import AwsError, extends, now

CAPACITY = {  # DPU of one worker: https://docs.aws.amazon.com/glue/latest/dg/worker-types.html
    "Standard": 1.0, "G.025X": 0.25, "G.1X": 1.0, "G.2X": 2.0, "G.4X": 4.0, "G.8X": 8.0, "G.12X": 12.0,
    "G.16X": 16.0, "R.1X": 1.0, "R.2X": 2.0, "R.4X": 4.0, "R.8X": 8.0, "Z.2X": 2.0,
}


def backend(call):
    return call.backend(glue_backends)


def missing(kind, name):
    return AwsError("EntityNotFoundException", f"{kind} {name} not found.")


def invalid(text):
    return AwsError("InvalidInputException", text)


def exists(kind, name):
    return AwsError("AlreadyExistsException", f"{kind} {name} already exists.")


def spec(thing):
    """The definition that we keep of an object of moto."""
    return thing.__dict__.setdefault("dwctl", {})


def given(params, *leave):
    return {key: copy.deepcopy(value) for key, value in params.items()
            if key not in leave + ("Tags",) and value is not None}


def arn(call, kind, name):
    return f"arn:{call.partition}:glue:{call.region}:{call.account}:{kind}/{name}"


def forget_tags(call, kind, name):
    # moto keeps the tags of what is gone, and gives them to the next of its name.
    backend(call).tagger.delete_all_tags_for_resource(arn(call, kind, name))


def page(call, items, name, default=100):
    start = int(call.get("NextToken") or 0)
    most = int(call.get("MaxResults") or default)
    answer = {name: items[start : start + most]}
    if start + most < len(items):
        answer["NextToken"] = str(start + most)
    return answer


# Jobs


def check_job(definition):
    if definition.get("MaxCapacity") is not None and (
        definition.get("WorkerType") or definition.get("NumberOfWorkers")
    ):
        raise invalid("Please do not set Max Capacity if using Worker Type and Number of Workers.")
    if bool(definition.get("WorkerType")) != bool(definition.get("NumberOfWorkers")):
        raise invalid("WorkerType and NumberOfWorkers must be set together.")
    if not definition.get("Role"):
        raise invalid("Role is required.")
    if not (definition.get("Command") or {}).get("Name") and not definition.get("CodeGenConfigurationNodes"):
        raise invalid("Command name is required.")


def job_shown(job):
    shown = copy.deepcopy(spec(job))
    if not shown:
        return {key: value for key, value in job.as_dict().items() if value is not None}
    command = shown.get("Command", {})
    shell = command.get("Name") == "pythonshell"
    shown.update(Name=job.name, CreatedOn=job.created_on, LastModifiedOn=job.last_modified_on)
    shown.setdefault("JobMode", "SCRIPT")
    shown.setdefault("JobRunQueuingEnabled", False)
    shown.setdefault("MaxRetries", 0)
    shown.setdefault("ExecutionProperty", {"MaxConcurrentRuns": 1})
    shown.setdefault("GlueVersion", "6.0")
    if command.get("Name") != "gluestreaming":
        new = shown["GlueVersion"] == "auto" or float(shown["GlueVersion"]) >= 5
        shown.setdefault("Timeout", 480 if new else 2880)
    if not shell and command.get("Name") != "gluestreaming":
        shown.setdefault("ExecutionClass", "STANDARD")
    if shown.get("NumberOfWorkers"):
        shown["MaxCapacity"] = shown["NumberOfWorkers"] * CAPACITY.get(shown["WorkerType"], 1.0)
    shown.setdefault("MaxCapacity", float(shown.get("AllocatedCapacity") or (0.0625 if shell else 10.0)))
    shown["AllocatedCapacity"] = int(shown["MaxCapacity"])
    return shown


def job_of(call, name):
    job = backend(call).jobs.get(name)
    if job is None:
        raise missing("Job", name)
    return job


def settle_job(job):
    """moto starts runs with what its own object holds."""
    known = spec(job)
    job.default_arguments = known.get("DefaultArguments") or {}
    job.execution_property = known.get("ExecutionProperty") or {"MaxConcurrentRuns": 1}
    job.command, job.role = known.get("Command"), known.get("Role")


@extends("glue", "CreateJob")
def create_job(call):
    """https://docs.aws.amazon.com/glue/latest/webapi/API_CreateJob.html"""
    name = call["Name"]
    if name in backend(call).jobs:
        raise exists("Job", name)
    check_job(call.params)
    call.moto()
    job = backend(call).jobs[name]
    job.dwctl = given(call.params, "Name")
    settle_job(job)
    return {"Name": name}


@extends("glue", "UpdateJob")
def update_job(call):
    """https://docs.aws.amazon.com/glue/latest/webapi/API_UpdateJob.html

    "The previous job definition is completely overwritten by this information."
    """
    job = job_of(call, call["JobName"])
    check_job(call["JobUpdate"])
    job.dwctl = given(call["JobUpdate"])
    job.last_modified_on = now()
    settle_job(job)
    return {"JobName": job.name}


@extends("glue", "GetJob")
def get_job(call):
    """https://docs.aws.amazon.com/glue/latest/webapi/API_GetJob.html"""
    return {"Job": job_shown(job_of(call, call["JobName"]))}


@extends("glue", "GetJobs")
def get_jobs(call):
    """https://docs.aws.amazon.com/glue/latest/webapi/API_GetJobs.html"""
    return page(call, [job_shown(job) for job in backend(call).jobs.values()], "Jobs")


@extends("glue", "BatchGetJobs")
def batch_get_jobs(call):
    """https://docs.aws.amazon.com/glue/latest/webapi/API_BatchGetJobs.html"""
    jobs = backend(call).jobs
    names = list(dict.fromkeys(call["JobNames"]))
    return {"Jobs": [job_shown(jobs[name]) for name in names if name in jobs],
            "JobsNotFound": [name for name in names if name not in jobs]}


@extends("glue", "DeleteJob")
def delete_job(call):
    """https://docs.aws.amazon.com/glue/latest/webapi/API_DeleteJob.html

    "If the job definition is not found, no exception is thrown."
    """
    if call["JobName"] in backend(call).jobs:
        call.moto()
        forget_tags(call, "job", call["JobName"])
    return {"JobName": call["JobName"]}


# Crawlers

TARGETS = ("S3Targets", "JdbcTargets", "MongoDBTargets", "DynamoDBTargets", "CatalogTargets", "DeltaTargets",
           "IcebergTargets", "HudiTargets")


def crawler_of(call, name):
    crawler = backend(call).crawlers.get(name)
    if crawler is None:
        raise missing("Crawler", name)
    return crawler


def crawler_shown(crawler):
    known = spec(crawler)
    shown = {key: value for key, value in crawler.as_dict().items() if value is not None}
    shown.update(copy.deepcopy({key: value for key, value in known.items() if key != "Schedule"}))
    shown["Targets"] = {name: shown.get("Targets", {}).get(name) or [] for name in TARGETS}
    for target in shown["Targets"]["S3Targets"]:
        target.setdefault("Exclusions", [])
    shown["Classifiers"] = shown.get("Classifiers") or []
    shown["RecrawlPolicy"] = shown.get("RecrawlPolicy") or {"RecrawlBehavior": "CRAWL_EVERYTHING"}
    policy = shown.get("SchemaChangePolicy") or {}
    shown["SchemaChangePolicy"] = {
        "UpdateBehavior": policy.get("UpdateBehavior", "UPDATE_IN_DATABASE"),
        "DeleteBehavior": policy.get("DeleteBehavior", "DEPRECATE_IN_DATABASE"),
    }
    shown["LineageConfiguration"] = shown.get("LineageConfiguration") or {"CrawlerLineageSettings": "DISABLE"}
    shown["LakeFormationConfiguration"] = shown.get("LakeFormationConfiguration") or {
        "UseLakeFormationCredentials": False, "AccountId": ""}
    shown.pop("Schedule", None)
    if known.get("Schedule"):
        shown["Schedule"] = {"ScheduleExpression": known["Schedule"],
                             "State": known.get("ScheduleState", "SCHEDULED")}
    shown.pop("ScheduleState", None)
    # https://docs.aws.amazon.com/glue/latest/webapi/API_LastCrawlInfo.html
    if shown.get("LastCrawl", {}).get("Status") == "COMPLETED":
        shown["LastCrawl"] = dict(shown["LastCrawl"], Status="SUCCEEDED")
    return shown


def check_crawler(definition):
    if "Targets" in definition and not any(definition["Targets"].values()):
        raise invalid("Crawler targets are missing.")
    expression = definition.get("Schedule")
    if expression and not re.fullmatch(r"cron\((\S+ ){5}\S+\)", expression):
        raise invalid(f"Invalid schedule expression: {expression}")


@extends("glue", "CreateCrawler")
def create_crawler(call):
    """https://docs.aws.amazon.com/glue/latest/webapi/API_CreateCrawler.html"""
    if call["Name"] in backend(call).crawlers:
        raise exists("Crawler", call["Name"])
    check_crawler(call.params)
    call.moto()
    crawler = backend(call).crawlers[call["Name"]]
    crawler.dwctl = given(call.params)
    return {}


@extends("glue", "UpdateCrawler")
def update_crawler(call):
    """https://docs.aws.amazon.com/glue/latest/webapi/API_UpdateCrawler.html"""
    crawler = crawler_of(call, call["Name"])
    if crawler.status == "RUNNING":
        raise AwsError("CrawlerRunningException", f"Crawler with name {call['Name']} is running.")
    check_crawler(call.params)
    spec(crawler).update(given(call.params))
    if spec(crawler).get("Schedule") == "":
        spec(crawler).pop("Schedule")
    if call.get("Schedule"):
        spec(crawler)["ScheduleState"] = "SCHEDULED"
    crawler.version += 1
    crawler.last_updated = now()
    return {}


@extends("glue", "UpdateCrawlerSchedule", "StartCrawlerSchedule", "StopCrawlerSchedule")
def crawler_schedule(call):
    """https://docs.aws.amazon.com/glue/latest/webapi/API_UpdateCrawlerSchedule.html"""
    crawler = crawler_of(call, call["CrawlerName"])
    known = spec(crawler)
    if call.operation == "UpdateCrawlerSchedule":
        check_crawler({"Schedule": call.get("Schedule")})
        known["Schedule"] = call.get("Schedule") or ""
        known["ScheduleState"] = "SCHEDULED"
    elif not known.get("Schedule"):
        raise AwsError("NoScheduleException", "There is no applicable schedule.")
    else:
        stop = call.operation == "StopCrawlerSchedule"
        if stop and known.get("ScheduleState") == "NOT_SCHEDULED":
            raise AwsError("SchedulerNotRunningException", "The specified scheduler is not running.")
        if not stop and known.get("ScheduleState", "SCHEDULED") == "SCHEDULED":
            raise AwsError("SchedulerRunningException", "The specified scheduler is already running.")
        known["ScheduleState"] = "NOT_SCHEDULED" if stop else "SCHEDULED"
    crawler.last_updated = now()
    return {}


@extends("glue", "GetCrawler")
def get_crawler(call):
    """https://docs.aws.amazon.com/glue/latest/webapi/API_GetCrawler.html"""
    return {"Crawler": crawler_shown(crawler_of(call, call["Name"]))}


@extends("glue", "GetCrawlers")
def get_crawlers(call):
    """https://docs.aws.amazon.com/glue/latest/webapi/API_GetCrawlers.html"""
    return page(call, [crawler_shown(one) for one in backend(call).crawlers.values()], "Crawlers")


@extends("glue", "BatchGetCrawlers")
def batch_get_crawlers(call):
    """https://docs.aws.amazon.com/glue/latest/webapi/API_BatchGetCrawlers.html"""
    crawlers = backend(call).crawlers
    names = list(dict.fromkeys(call["CrawlerNames"]))
    return {"Crawlers": [crawler_shown(crawlers[name]) for name in names if name in crawlers],
            "CrawlersNotFound": [name for name in names if name not in crawlers]}


@extends("glue", "DeleteCrawler")
def delete_crawler(call):
    """https://docs.aws.amazon.com/glue/latest/webapi/API_DeleteCrawler.html"""
    crawler_of(call, call["Name"])
    call.moto()
    forget_tags(call, "crawler", call["Name"])
    return {}


# Triggers


def trigger_of(call, name):
    trigger = backend(call).triggers.get(name)
    if trigger is None:
        raise missing("Trigger", name)
    return trigger


def trigger_shown(trigger):
    shown = copy.deepcopy(spec(trigger)) or trigger.as_dict()
    shown.update(Name=trigger.name, State=trigger.state)
    if shown.get("Predicate"):
        for condition in shown["Predicate"].get("Conditions", []):
            condition.setdefault("LogicalOperator", "EQUALS")
        if len(shown["Predicate"].get("Conditions", [])) > 1:
            shown["Predicate"].setdefault("Logical", "AND")
    return shown


def check_trigger(call, definition, kind):
    if kind == "SCHEDULED" and not re.fullmatch(r"cron\((\S+ ){5}\S+\)", definition.get("Schedule") or ""):
        raise invalid("A scheduled trigger needs a valid cron schedule.")
    if kind == "CONDITIONAL" and not (definition.get("Predicate") or {}).get("Conditions"):
        raise invalid("A conditional trigger needs a predicate.")
    if definition.get("WorkflowName") and definition["WorkflowName"] not in backend(call).workflows:
        raise missing("Workflow", definition["WorkflowName"])
    for action in definition.get("Actions") or []:
        if bool(action.get("JobName")) == bool(action.get("CrawlerName")):
            raise invalid("An action needs a job or a crawler.")
    if definition.get("EventBatchingCondition") and kind != "EVENT":
        raise invalid("EventBatchingCondition is only for triggers of type EVENT.")


@extends("glue", "CreateTrigger")
def create_trigger(call):
    """https://docs.aws.amazon.com/glue/latest/webapi/API_CreateTrigger.html"""
    if call["Name"] in backend(call).triggers:
        raise exists("Trigger", call["Name"])
    kind = call["Type"]
    check_trigger(call, call.params, kind)
    if call.get("StartOnCreation") and kind in ("ON_DEMAND", "EVENT"):
        raise invalid(f"StartOnCreation is not supported for {kind} triggers.")
    call.moto()
    trigger = backend(call).triggers[call["Name"]]
    trigger.dwctl = given(call.params, "StartOnCreation")
    return {"Name": call["Name"]}


@extends("glue", "UpdateTrigger")
def update_trigger(call):
    """https://docs.aws.amazon.com/glue/latest/webapi/API_UpdateTrigger.html

    TriggerUpdate "updates the previous trigger definition by overwriting it completely."
    """
    trigger = trigger_of(call, call["Name"])
    known = spec(trigger)
    check_trigger(call, call["TriggerUpdate"], known.get("Type"))
    kept = {key: known[key] for key in ("Type", "WorkflowName") if key in known}
    trigger.dwctl = dict(given(call["TriggerUpdate"]), **kept)
    trigger.schedule = call["TriggerUpdate"].get("Schedule")
    trigger.description = call["TriggerUpdate"].get("Description")
    return {"Trigger": trigger_shown(trigger)}


@extends("glue", "StartTrigger", "StopTrigger")
def switch_trigger(call):
    """https://docs.aws.amazon.com/glue/latest/webapi/API_StartTrigger.html"""
    trigger = trigger_of(call, call["Name"])
    if spec(trigger).get("Type", trigger.trigger_type) == "ON_DEMAND":
        # Starting one runs its actions and changes no state.
        if call.operation == "StopTrigger":
            raise invalid("An on-demand trigger cannot be stopped.")
        return {"Name": call["Name"]}
    trigger.state = "ACTIVATED" if call.operation == "StartTrigger" else "DEACTIVATED"
    return {"Name": call["Name"]}


@extends("glue", "GetTrigger")
def get_trigger(call):
    """https://docs.aws.amazon.com/glue/latest/webapi/API_GetTrigger.html"""
    return {"Trigger": trigger_shown(trigger_of(call, call["Name"]))}


@extends("glue", "GetTriggers")
def get_triggers(call):
    """https://docs.aws.amazon.com/glue/latest/webapi/API_GetTriggers.html"""
    job = call.get("DependentJobName")
    shown = [trigger_shown(one) for one in backend(call).triggers.values()]
    if job:
        shown = [one for one in shown if any(action.get("JobName") == job for action in one.get("Actions", []))]
    return page(call, shown, "Triggers")


@extends("glue", "BatchGetTriggers")
def batch_get_triggers(call):
    """https://docs.aws.amazon.com/glue/latest/webapi/API_BatchGetTriggers.html"""
    triggers = backend(call).triggers
    names = list(dict.fromkeys(call["TriggerNames"]))
    return {"Triggers": [trigger_shown(triggers[name]) for name in names if name in triggers],
            "TriggersNotFound": [name for name in names if name not in triggers]}


@extends("glue", "DeleteTrigger")
def delete_trigger(call):
    """https://docs.aws.amazon.com/glue/latest/webapi/API_DeleteTrigger.html

    "If the trigger is not found, no exception is thrown."
    """
    call.moto()
    forget_tags(call, "trigger", call["Name"])
    return {"Name": call["Name"]}


# Workflows


def workflow_shown(workflow):
    shown = workflow.as_dict()
    if shown.get("DefaultRunProperties") is None and workflow.default_run_properties is not None:
        shown["DefaultRunProperties"] = workflow.default_run_properties
    return shown


def workflow_of(call, name):
    workflow = backend(call).workflows.get(name)
    if workflow is None:
        raise AwsError("EntityNotFoundException", f"Entity not found: workflow {name}")
    return workflow


@extends("glue", "CreateWorkflow")
def create_workflow(call):
    """https://docs.aws.amazon.com/glue/latest/webapi/API_CreateWorkflow.html"""
    if call["Name"] in backend(call).workflows:
        raise exists("Workflow", call["Name"])
    return call.moto()


@extends("glue", "UpdateWorkflow")
def update_workflow(call):
    """https://docs.aws.amazon.com/glue/latest/webapi/API_UpdateWorkflow.html"""
    workflow = workflow_of(call, call["Name"])
    for name, attribute in (("Description", "description"), ("DefaultRunProperties", "default_run_properties")):
        if call.get(name) is not None:
            setattr(workflow, attribute, call[name])
    # Left blank, there is no limit.
    workflow.max_concurrent_runs = call.get("MaxConcurrentRuns")
    workflow.last_modified_on = now()
    return {"Name": call["Name"]}


@extends("glue", "GetWorkflow")
def get_workflow(call):
    """https://docs.aws.amazon.com/glue/latest/webapi/API_GetWorkflow.html"""
    return {"Workflow": workflow_shown(workflow_of(call, call["Name"]))}


@extends("glue", "BatchGetWorkflows")
def batch_get_workflows(call):
    """https://docs.aws.amazon.com/glue/latest/webapi/API_BatchGetWorkflows.html"""
    workflows = backend(call).workflows
    names = list(dict.fromkeys(call["Names"]))
    return {"Workflows": [workflow_shown(workflows[name]) for name in names if name in workflows],
            "MissingWorkflows": [name for name in names if name not in workflows]}


@extends("glue", "DeleteWorkflow")
def delete_workflow(call):
    """https://docs.aws.amazon.com/glue/latest/webapi/API_DeleteWorkflow.html"""
    if call["Name"] in backend(call).workflows:
        call.moto()
        forget_tags(call, "workflow", call["Name"])
    return {"Name": call["Name"]}


# Connections


def connection_shown(connection, hide):
    shown = copy.deepcopy(connection.connection_input)
    shown.pop("ValidateCredentials", None)
    environments = shown.pop("ValidateForComputeEnvironments", None)
    if environments:
        shown["CompatibleComputeEnvironments"] = environments
    login = shown.get("AuthenticationConfiguration")
    if login:
        for secret in ("BasicAuthenticationCredentials", "CustomAuthenticationCredentials", "KmsKeyArn"):
            login.pop(secret, None)
    shown.setdefault("ConnectionProperties", {})
    if hide:
        shown["ConnectionProperties"].pop("PASSWORD", None)
    shown.update(CreationTime=connection.created_time, LastUpdatedTime=connection.updated_time,
                 Status="READY", ConnectionSchemaVersion=1)
    return shown


def connection_of(call, name):
    connection = backend(call).connections.get(name)
    if connection is None:
        raise missing("Connection", name)
    return connection


@extends("glue", "GetConnection")
def get_connection(call):
    """https://docs.aws.amazon.com/glue/latest/webapi/API_GetConnection.html"""
    return {"Connection": connection_shown(connection_of(call, call["Name"]), call.get("HidePassword", False))}


@extends("glue", "GetConnections")
def get_connections(call):
    """https://docs.aws.amazon.com/glue/latest/webapi/API_GetConnections.html"""
    wanted = call.get("Filter", {})
    shown = [connection_shown(one, call.get("HidePassword", False))
             for one in backend(call).connections.values()]
    if wanted.get("ConnectionType"):
        shown = [one for one in shown if one.get("ConnectionType") == wanted["ConnectionType"]]
    if wanted.get("MatchCriteria"):
        shown = [one for one in shown if set(wanted["MatchCriteria"]) <= set(one.get("MatchCriteria") or [])]
    return page(call, shown, "ConnectionList")


@extends("glue", "UpdateConnection")
def update_connection(call):
    """https://docs.aws.amazon.com/glue/latest/webapi/API_UpdateConnection.html"""
    connection = connection_of(call, call["Name"])
    connection.connection_input = dict(given(call["ConnectionInput"]), Name=call["Name"])
    connection.connection_properties = connection.connection_input.get("ConnectionProperties", {})
    connection.description = connection.connection_input.get("Description")
    connection.updated_time = now()
    return {}


@extends("glue", "DeleteConnection")
def delete_connection(call):
    """https://docs.aws.amazon.com/glue/latest/webapi/API_DeleteConnection.html"""
    connection_of(call, call["ConnectionName"])
    del backend(call).connections[call["ConnectionName"]]
    forget_tags(call, "connection", call["ConnectionName"])
    return {}


# Classifiers


@extends("glue", "CreateClassifier", "UpdateClassifier")
def put_classifier(call):
    """https://docs.aws.amazon.com/glue/latest/webapi/API_CreateClassifier.html"""
    kinds = [key for key in ("GrokClassifier", "XMLClassifier", "JsonClassifier", "CsvClassifier") if call.get(key)]
    if len(kinds) != 1:
        raise invalid("Exactly one classifier must be given.")
    kind = kinds[0]
    wanted = given(call[kind])
    stored = call.state().setdefault("classifiers", {})
    found = stored.get(wanted["Name"])
    if call.operation == "CreateClassifier":
        if found:
            raise exists("Classifier", wanted["Name"])
        wanted.update(CreationTime=now(), LastUpdated=now(), Version=1)
        stored[wanted["Name"]] = {kind: wanted}
    else:
        if not found or kind not in found:
            raise missing("Classifier", wanted["Name"])
        found[kind].update(wanted, LastUpdated=now(), Version=found[kind]["Version"] + 1)
    return {}


@extends("glue", "GetClassifier", "GetClassifiers", "DeleteClassifier")
def get_classifier(call):
    """https://docs.aws.amazon.com/glue/latest/webapi/API_GetClassifier.html"""
    stored = call.state().setdefault("classifiers", {})
    if call.operation == "GetClassifiers":
        return page(call, list(stored.values()), "Classifiers")
    if call["Name"] not in stored:
        raise missing("Classifier", call["Name"])
    if call.operation == "DeleteClassifier":
        del stored[call["Name"]]
        return {}
    return {"Classifier": stored[call["Name"]]}


# Databases, security configurations


@extends("glue", "CreateDatabase")
def create_database(call):
    """https://docs.aws.amazon.com/glue/latest/webapi/API_CreateDatabase.html"""
    answer = call.moto()
    catalog, name = call.get("CatalogId") or call.account, call["DatabaseInput"]["Name"]
    if catalog != call.account:
        # moto has one catalog, whose account it writes into the ARN.
        backend(call).tag_resource(of_catalog(call, catalog, name), call.get("Tags") or {})
        forget_tags(call, "database", name)
    return answer


def of_catalog(call, catalog, name):
    return arn(call, "database", name).replace(f":{call.account}:", f":{catalog}:")


@extends("glue", "UpdateDatabase")
def update_database(call):
    """https://docs.aws.amazon.com/glue/latest/webapi/API_UpdateDatabase.html"""
    database = backend(call).databases.get(call["Name"])
    if database is None:
        raise missing("Database", call["Name"])
    database.input = given(call["DatabaseInput"])
    return {}


@extends("glue", "GetDatabases")
def get_databases(call):
    """https://docs.aws.amazon.com/glue/latest/webapi/API_GetDatabases.html"""
    shown = [whole_database(call, one) for one in call.moto().get("DatabaseList", [])]
    return page(call, shown, "DatabaseList")


@extends("glue", "GetDatabase")
def get_database(call):
    """https://docs.aws.amazon.com/glue/latest/webapi/API_GetDatabase.html"""
    return {"Database": whole_database(call, call.moto()["Database"])}


def whole_database(call, shown):
    known = backend(call).databases.get(shown["Name"])
    federated = (known.input if known else {}).get("FederatedDatabase")
    return dict(shown, FederatedDatabase=federated) if federated else shown


@extends("glue", "DeleteDatabase")
def delete_database(call):
    """https://docs.aws.amazon.com/glue/latest/webapi/API_DeleteDatabase.html"""
    answer = call.moto()
    forget_tags(call, "database", call["Name"])
    catalog = call.get("CatalogId") or call.account
    backend(call).tagger.delete_all_tags_for_resource(of_catalog(call, catalog, call["Name"]))
    return answer
