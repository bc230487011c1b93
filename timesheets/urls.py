from django.urls import path

from timesheets.exceptions import METADATA_PATH
from timesheets.views.metadata import describe_protected_resource
from timesheets.views.uploads import UploadView

urlpatterns = [
    path(UploadView.resource_path.lstrip("/"), UploadView.as_view(), name="upload"),
    path(f"{METADATA_PATH}{UploadView.resource_path}".lstrip("/"), describe_protected_resource),
]
