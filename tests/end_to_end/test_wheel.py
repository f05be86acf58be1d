"""What a wheel brings to site-packages."""

import zipfile


def test_the_wheel_brings_one_name_to_site_packages_and_every_folder_of_the_project_in_it(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {"crlm_warehouse"}
    folders = {name.split("/")[2] for name in names if name.startswith("crlm_warehouse/folders/")}
    assert folders == {"orchestration", "dbt_project", "report_reader", "quality", "analysis", "simulated_hospital"}
    assert "crlm_warehouse/folders/dbt_project/dbt_project.yml" in names


def test_the_script_that_ends_dbt_with_its_parent_can_be_run(wheel):
    (script,) = (file for file in zipfile.ZipFile(wheel).infolist() if file.filename.endswith("dbt_with_parent.sh"))
    assert script.external_attr >> 16 & 0o111
