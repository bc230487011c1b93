from django.urls import path

from timesheets.views import UploadView

urlpatterns = [path("timesheets/upload", UploadView.as_view(), name="upload")]
