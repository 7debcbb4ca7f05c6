from .addresses import Endpoint, require_lab_address
from .archive.snapshot import ArchiveData, cohort_of
from .archive.snapshot_cache import UNFINISHED_PREFIX, clear_cache, list_cache, prune_cache
from .archive.upload import upload_cohort
from .config.handover import Account, Handover, read_handover
from .config.nginx_conf import LONGEST_NGINX_CONF, nginx_directives, served_paths
from .config.orthanc_json import (
    DICOM_PORT,
    HTTP_PORT,
    check_configuration,
    complete_configuration,
    known_options,
    parse_configuration,
    read_configuration,
    without_comments,
)
from .config.ports import ArchivePort
from .config.workfolder import (
    CERTIFICATES_FOLDER,
    CONFIGURATION_FILE,
    HANDOVER_FILE,
    LIVE_FILES,
    PROXY_FILE,
    REPORT_FILE,
    WorkFolder,
    exercise_files,
)
from .deployment.certificates import issue_certificate, make_authority, make_certificates
from .deployment.deployment import DEFAULT_HOURS, Deployment, no_progress
from .deployment.peers import (
    AS_FORMER_DEVICE,
    AS_SCANNER,
    AS_WORKSTATION,
    FORMER_DEVICE_TITLE,
    LAB_ACCOUNT,
    archive_entries,
    modality_entry,
)
from .deployment.state import State, deployment_folder, write_state
from .deployment.teardown import end_lab, lab_id, list_running, remove_expired, stop_all
from .hospital_http import ORTHANC_KEEPALIVE, hospital_transport
from .runtimes.base import Network, Owner, Server, ServerSpec
from .runtimes.docker.engine import connect_to_engine
from .runtimes.docker.runtime import DockerRuntime
from .runtimes.pcap import Capture, read_pcap
from .runtimes.process.bind_shim import find_compiler, shim_library
from .runtimes.process.executables import PLUGIN_FOLDERS, find_nginx, find_orthanc
from .runtimes.process.runtime import ProcessRuntime
from .runtimes.relay import relay_connections
from .runtimes.select import choose_runtime, open_runtime, ready_runtimes
from .server_names import ARCHIVE, PEERS, PROXY, SCANNER, STRANGER, WORKSTATION

__all__ = [
    "ARCHIVE",
    "AS_FORMER_DEVICE",
    "AS_SCANNER",
    "AS_WORKSTATION",
    "CERTIFICATES_FOLDER",
    "CONFIGURATION_FILE",
    "DEFAULT_HOURS",
    "DICOM_PORT",
    "FORMER_DEVICE_TITLE",
    "HANDOVER_FILE",
    "HTTP_PORT",
    "LAB_ACCOUNT",
    "LIVE_FILES",
    "LONGEST_NGINX_CONF",
    "ORTHANC_KEEPALIVE",
    "PEERS",
    "PLUGIN_FOLDERS",
    "PROXY",
    "PROXY_FILE",
    "REPORT_FILE",
    "SCANNER",
    "STRANGER",
    "UNFINISHED_PREFIX",
    "WORKSTATION",
    "Account",
    "ArchiveData",
    "ArchivePort",
    "Capture",
    "Deployment",
    "DockerRuntime",
    "Endpoint",
    "Handover",
    "Network",
    "Owner",
    "ProcessRuntime",
    "Server",
    "ServerSpec",
    "State",
    "WorkFolder",
    "archive_entries",
    "check_configuration",
    "choose_runtime",
    "clear_cache",
    "cohort_of",
    "complete_configuration",
    "connect_to_engine",
    "deployment_folder",
    "end_lab",
    "exercise_files",
    "find_compiler",
    "find_nginx",
    "find_orthanc",
    "hospital_transport",
    "issue_certificate",
    "known_options",
    "lab_id",
    "list_cache",
    "list_running",
    "make_authority",
    "make_certificates",
    "modality_entry",
    "nginx_directives",
    "no_progress",
    "open_runtime",
    "parse_configuration",
    "prune_cache",
    "read_configuration",
    "read_handover",
    "read_pcap",
    "ready_runtimes",
    "relay_connections",
    "remove_expired",
    "require_lab_address",
    "served_paths",
    "shim_library",
    "stop_all",
    "upload_cohort",
    "without_comments",
    "write_state",
]
